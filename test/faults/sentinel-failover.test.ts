import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisSentinels } from '../support/redis-sentinels.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aSession, atMost, DAY } from '../support/sessions.ts';

const SESSIONS = 50;

let redis: RedisSentinels;
let stores: RedisStores;
let now: number;

beforeEach(async () => {
  redis = await RedisSentinels.start();
  stores = await RedisStores.open(redis.address);
  now = Date.now();
}, 60_000);

afterEach(async () => {
  stores.close();
  await redis.stop();
});

async function opened(): Promise<Session> {
  const session = aSession(now);
  const policy = { ...atMost(50), tombstoneTtlMs: DAY, now };
  await stores.sessions.create({ session, ...policy });
  return session;
}

const end = ({ sessions }: RedisStores, { userId, sessionId }: Session) =>
  sessions.end({ userId, sessionId, reason: 'LOGGED_OUT', tombstoneTtlMs: DAY, now });

/**
 * Ends sessions on the old master after it resumed. Returns those that were acknowledged but are live on the new one.
 */
async function endsLost(through: RedisStores): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, opened));
  // The connection for ends is open and idle from now on.
  await end(through, await opened());
  await redis.following();

  redis.master.freeze();
  const successor = await redis.failedOver();
  redis.master.thaw();
  await redis.master.with((old) => old.ping());
  for (const session of sessions) {
    await eventually(async () => (await outcomeOf(end(through, session))) === 'ok');
  }

  const behind = await RedisStores.open(singleRedis(successor.port));
  const found = sessions.map(({ userId, sessionId }) => behind.sessions.read(userId, sessionId, Date.now()));
  const alive = (await Promise.all(found)).filter(({ kind }) => kind !== 'ended');
  behind.close();
  return alive.length;
}

describe('a master that is frozen, replaced, and resumes', () => {
  test('acknowledges no further end, because every connection has left it', async () => {
    expect(await endsLost(stores)).toBe(0);
  }, 60_000);

  test('loses the ends of a server without a sentinel watch', async () => {
    const plain = await RedisStores.open(singleRedis(redis.master.port));
    expect(await endsLost(plain)).toBeGreaterThan(0);
    plain.close();
  }, 60_000);
});
