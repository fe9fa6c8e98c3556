import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import { sessionSteps } from '../conformance/session-steps.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { aRevocation } from '../support/revocations.ts';
import { HOUR } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** How many bytes are sent to Redis, and whether a slow line suffices. At 64 kbit/s a deadline is 4,000 bytes long. */

const KBIT_64 = 8_000;

let server: RedisServer;
let line: TcpProxy;
let stores: RedisStores;
let now: number;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.stop());

beforeEach(async () => {
  now = Date.now();
  line = await TcpProxy.open(server.port);
  stores = await RedisStores.open(singleRedis(line.port), { deadlineMs: SERVICE_DEADLINE_MS });
});

afterEach(async () => {
  stores.close();
  await line.close();
});

const steps = () => sessionSteps(stores.sessions, { now: () => now }, { refreshGraceMs: HOUR });
const create = () => steps().opened();
const refresh = (session: Session) => steps().rotate(session, 1);
const forgetScripts = () =>
  server.with(async (redis) => {
    await redis.script('FLUSH');
    await redis.config('RESETSTAT');
  });
const calls = async (command: string) => {
  const stats = await server.with((redis) => redis.info('commandstats'));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
};

/** How many bytes it sends. */
const sent = async (work: () => Promise<unknown>) => {
  const before = line.up.bytes;
  await work();
  return line.up.bytes - before;
};

test('connecting takes less than 500 bytes in each direction', () => {
  expect(line.connections).toBe(3);
  expect(line.up.bytes).toBeLessThan(3 * 500);
  expect(line.down.bytes).toBeLessThan(3 * 500);
});

describe('a script that Redis does not know', () => {
  test('is sent once, even if many callers run it at once', async () => {
    const sessions: Awaited<ReturnType<typeof create>>[] = [];
    // One after the other: the line is slow.
    while (sessions.length < 20) sessions.push(await create());
    await forgetScripts();
    const outcomes = await Promise.all(sessions.map(async (session) => (await refresh(session)).kind));
    expect(new Set(outcomes)).toEqual(new Set(['rotated']));
    expect(await calls('eval')).toBe(1);
  });

  // The line carries 8,000 bytes in one second, after which the connection is closed.
  test('is small enough to arrive before the connection times out, including its arguments', async () => {
    const session = await create();
    const revocation = aRevocation(now);
    const work = {
      create,
      refresh: () => refresh(session),
      read: () => steps().read(session),
      end: () => steps().end(session),
      append: () => stores.log.append(revocation, now),
      inspect: () => stores.log.inspect(undefined, now),
    };
    for (const [name, step] of Object.entries(work)) {
      await forgetScripts();
      expect([name, (await sent(step)) < 6_000]).toEqual([name, true]);
    }
  });
});

test('a line of 64 kbit/s is fast enough after a reconnect to a Redis without scripts', async () => {
  const session = await create();
  await forgetScripts();
  line.slowDown(KBIT_64);
  line.reset();
  await eventually(async () => (await outcomeOf(refresh(session))) === 'ok');
  for (let count = 0; count < 10; count += 1) await refresh(session);
});

test('of many refreshes sent at once over a slow line, those that arrive in time succeed', async () => {
  const sessions = await Promise.all(Array.from({ length: 30 }, create));
  await Promise.all(sessions.map(refresh));
  line.slowDown(KBIT_64);
  const outcomes = await Promise.all(sessions.map((session) => outcomeOf(refresh(session))));
  // Six or seven arrive on an idle machine.
  expect(outcomes.slice(0, 3)).toEqual(['ok', 'ok', 'ok']);
  expect(outcomes.at(-1)).toBe('STORE_UNAVAILABLE');
});
