import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DevicePolicy } from '../../src/core/user/device-policy.ts';
import { RedisServer } from '../support/redis-server.ts';
import { type Outcome, SessionServers } from '../support/session-servers.ts';
import { aUser } from '../support/users.ts';

const PROCESSES = 4;
const LOGINS = 100;
const PLATFORMS = ['Windows', ' windows', 'iOS', 'Android', ''];

let redis: RedisServer;
let servers: SessionServers;
let users = 0;

beforeAll(async () => {
  redis = await RedisServer.start();
  servers = await SessionServers.start(PROCESSES, redis.port);
}, 60_000);

afterAll(async () => {
  await servers?.stop();
  await redis?.stop();
});

/** 100 logins of one user at once, on every platform in turn, spread over the processes. */
async function logInAtOnce(devicePolicy: DevicePolicy) {
  users += 1;
  const user = aUser(users, { devicePolicy });
  const outcomes = await Promise.all(
    Array.from({ length: LOGINS }, (_, index) => {
      const platform = PLATFORMS[index % PLATFORMS.length] ?? '';
      return servers.ask(index % PROCESSES, { kind: 'open', user, platform, turns: index % 3 });
    }),
  );
  const verdicts = await Promise.all(outcomes.map((outcome) => verdictOf(user, outcome)));
  const living = verdicts.flatMap((verdict, index) =>
    verdict === 'accepted' ? [PLATFORMS[index % PLATFORMS.length] ?? ''] : [],
  );
  return { user, outcomes, living, failures: new Set(outcomes.map(({ failed }) => failed)) };
}

async function verdictOf(user: ReturnType<typeof aUser>, { accessToken }: Outcome) {
  if (accessToken === undefined) return undefined;
  const { verdict } = await servers.ask(0, { kind: 'validate', user, token: accessToken, turns: 0 });
  return verdict;
}

const kept = (platforms: readonly string[]) => platforms.map((name) => name.trim().toLowerCase()).sort();

describe(`${LOGINS} logins of one user at once, over ${PROCESSES} processes`, () => {
  test('leave three sessions where three are allowed, and each login succeeds', async () => {
    const { living, failures } = await logInAtOnce({ kind: 'limit', maxSessions: 3, atLimit: 'replace' });
    expect(living).toHaveLength(3);
    expect(failures).toEqual(new Set([undefined]));
  });

  test('leave one session of each platform where one is allowed, and each login succeeds', async () => {
    const { living, failures } = await logInAtOnce({ kind: 'one-per-platform', atLimit: 'replace' });
    expect(kept(living)).toEqual(['', 'android', 'ios', 'windows']);
    expect(failures).toEqual(new Set([undefined]));
  });

  test.each<[DevicePolicy['kind'], DevicePolicy, number]>([
    ['limit', { kind: 'limit', maxSessions: 3, atLimit: 'refuse' }, 3],
    ['one-per-platform', { kind: 'one-per-platform', atLimit: 'refuse' }, 4],
    ['one', { kind: 'one', atLimit: 'refuse' }, 1],
  ])('leave the first sessions where further ones are refused: %s', async (_, policy, count) => {
    const { outcomes, living, failures } = await logInAtOnce(policy);
    expect(living).toHaveLength(count);
    expect(outcomes.filter(({ failed }) => failed === 'session-limit')).toHaveLength(LOGINS - count);
    expect(failures).toEqual(new Set([undefined, 'session-limit']));
  });

  test('that all choose the same session to end leave as many as before', async () => {
    const { user, outcomes } = await logInAtOnce({ kind: 'limit', maxSessions: 3, atLimit: 'refuse' });
    const first = outcomes.find(({ sessionId }) => sessionId !== undefined);
    const endSessionId = first?.sessionId ?? '';
    const choices = await Promise.all(
      Array.from({ length: LOGINS }, (_, index) =>
        servers.ask(index % PROCESSES, { kind: 'open', user, endSessionId, turns: index % 3 }),
      ),
    );
    expect(choices.filter(({ sessionId }) => sessionId !== undefined)).toHaveLength(1);
    expect(await verdictOf(user, first ?? {})).toBe('SESSION_ENDED');
  });
});
