import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { networkKey, userKeys } from '../../src/adapters/redis/keys.ts';
import type { Attempt } from '../../src/core/sign-in/login-attempts.ts';
import { FORGIVE_MS } from '../../src/core/sign-in/login-limits.ts';
import { loginAttemptsLaw } from '../conformance/login-attempts.ts';
import { anAttempt, reserved } from '../support/attempts.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { ids, MINUTE } from '../support/sessions.ts';

const NOW = Date.UTC(2026, 0, 1);
/** Longer than the deadline of a step. */
const FROZEN_MS = 750;

let server: RedisServer;
let stores: RedisStores;
let others: RedisStores[];

beforeAll(async () => {
  server = await RedisServer.start();
  const open = () => RedisStores.open(singleRedis(server.port));
  stores = await open();
  others = [await open(), await open(), await open()];
});

afterAll(async () => {
  for (const opened of [stores, ...others]) opened.close();
  await server.stop();
});

let turn = 0;
loginAttemptsLaw('Redis', () => ([stores, ...others][turn++ % 4] ?? stores).attempts);

describe('login attempts in Redis', () => {
  let userId: string;
  beforeEach(() => {
    userId = ids.next(NOW);
  });
  const make = (given: Partial<Attempt> = {}) =>
    reserved(stores.attempts, anAttempt(NOW, { userId, ...given }));
  const lifeOf = (key: string) => server.with((redis) => redis.pttl(key));

  test('are stored as docs/operations.md shows them, and go by themselves', async () => {
    await make({ network: 'hash-of-a-network' });
    await make({ network: 'hash-of-a-network' });
    await make({ deviceId: '01a1fff3-c71a-7559-b2d4-2bf22e4b29c5' });
    const key = userKeys(userId).attempts;
    expect(key).toBe(`lk:{${userId}}:attempts`);
    expect(await server.with((redis) => redis.hgetall(key))).toEqual({
      account: `${NOW + 2 * FORGIVE_MS} ${NOW}`,
      'network:hash-of-a-network': `${NOW + 2 * FORGIVE_MS} ${NOW}`,
      'device:01a1fff3-c71a-7559-b2d4-2bf22e4b29c5': `${NOW + FORGIVE_MS} ${NOW}`,
    });
    expect(await lifeOf(key)).toBeGreaterThan(2 * FORGIVE_MS - MINUTE);
    expect(await lifeOf(key)).toBeLessThanOrEqual(2 * FORGIVE_MS);
    expect(await lifeOf(networkKey('hash-of-a-network'))).toBeLessThanOrEqual(MINUTE);
  });

  test('leave nothing when they are given back', async () => {
    const attempt = anAttempt(NOW, { userId });
    await stores.attempts.reserve(attempt);
    await stores.attempts.giveBack(attempt);
    const keys = [userKeys(userId).attempts, networkKey(attempt.network ?? '')];
    expect(await server.with((redis) => redis.exists(...keys))).toBe(0);
  });

  test('are kept for at most 64 buckets of an account, those of this attempt among them', async () => {
    for (let made = 0; made < 100; made += 1) await make({ deviceId: ids.next(NOW) });
    const network = 'the last one';
    expect(await make({ network })).toBe('in');
    const names = await server.with((redis) => redis.hkeys(userKeys(userId).attempts));
    expect(names).toHaveLength(64);
    expect(names).toEqual(expect.arrayContaining(['account', `network:${network}`]));
  });

  test.each(['', 'x', '1', '1 2 3', '9'.repeat(20), `${NOW}999 ${NOW}`, '-1 -1'])(
    'that are damaged count as none: %j',
    async (value) => {
      await server.with((redis) => redis.hset(userKeys(userId).attempts, 'account', value));
      expect(await make()).toBe('in');
    },
  );

  test('that Redis runs after their caller gave up count nowhere', async () => {
    const hasty = await RedisStores.open(singleRedis(server.port), { deadlineMs: SERVICE_DEADLINE_MS });
    await hasty.attempts.reserve(anAttempt(NOW));
    const began = performance.now();
    server.freeze();
    const attempt = anAttempt(NOW, { userId });
    expect(await outcomeOf(hasty.attempts.reserve(attempt))).toBe('STORE_UNAVAILABLE');
    await eventually(() => performance.now() - began > FROZEN_MS);
    server.thaw();
    await server.with((redis) => redis.ping());
    await eventually(async () => (await outcomeOf(hasty.sessions.ping())) === 'ok');
    const keys = [userKeys(userId).attempts, networkKey(attempt.network ?? '')];
    expect(await server.with((redis) => redis.exists(...keys))).toBe(0);
    hasty.close();
  });
});
