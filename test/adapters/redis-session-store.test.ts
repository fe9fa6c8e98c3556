import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packId, unpackId } from '../../src/adapters/redis/packed-id.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';

let server: RedisServer;
let stores: RedisStores;

beforeAll(async () => {
  server = await RedisServer.start();
  stores = await RedisStores.open(singleRedis(server.port));
});

afterAll(async () => {
  stores.close();
  await server.stop();
});

sessionStoreLaw('Redis', () => stores.sessions);

test('a database that Redis does not have is no connection, and never database 0', async () => {
  const lost = await RedisStores.open({ ...singleRedis(server.port), db: 99 });
  try {
    await expect(lost.sessions.ping()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  } finally {
    lost.close();
  }
});

describe('sessions in Redis', () => {
  const browser =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
  const create = async (count: number) => {
    const clock = new ManualClock();
    const sessions = Array.from({ length: count }, () =>
      aSession(clock.now(), { device: { deviceId: '', name: browser, platform: 'Windows' } }),
    );
    const common = { securityVersion: 1, maxSessionsPerUser: 5, tombstoneTtlMs: DAY, now: clock.now() };
    await Promise.all(sessions.map((session) => stores.sessions.create({ session, ...common })));
    return sessions.map(({ userId, sessionId }) => `lk:{${packId(userId)}}:session:${packId(sessionId)}`);
  };

  test('stay in the compact form with a real browser’s user agent', async () => {
    const [key = ''] = await create(1);
    await server.with(async (redis) => {
      expect(await redis.object('ENCODING', key)).toBe('listpack');
      expect(await redis.memory('USAGE', key)).toBeLessThanOrEqual(400);
    });
  });

  test('opened in one instant expire over an hour, none before its deadline', async () => {
    const keys = await create(200);
    const ttls = await server.with((redis) => Promise.all(keys.map((key) => redis.pttl(key))));
    expect(Math.min(...ttls)).toBeGreaterThan(7 * DAY - MINUTE);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(7 * DAY + HOUR);
    const minutes = new Set(ttls.map((ttl) => Math.floor(ttl / MINUTE)));
    expect(minutes.size).toBeGreaterThan(30);
  });

  test('have packed ids that sort as the ids they stand for', () => {
    const uuids = Array.from({ length: 200 }, (_, index) => ids.next(Date.UTC(2026, 0, 1) + (index % 7)));
    expect(uuids.map(packId).map(unpackId)).toEqual(uuids);
    expect(uuids.toSorted().map(packId)).toEqual(uuids.map(packId).toSorted());
  });
});
