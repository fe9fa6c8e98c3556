import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import { packId, packNumber, unpackId, unpackNumber } from '../../src/adapters/redis/packed-id.ts';
import type { Session } from '../../src/core/session/session.ts';
import { sessionLimitLaw } from '../conformance/session-limit.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { inLanes } from '../support/in-lanes.ts';
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
sessionLimitLaw('Redis', () => stores.sessions);

/** Platforms and the user agents of browsers that many have. */
const BROWSERS = [
  [
    'Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  ['Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'],
] as const;
/** Of the table of keys that expire, which MEMORY USAGE leaves out: an entry and its bucket. */
const EXPIRY_BYTES = 48;

test('a database that Redis does not have is no connection, and never database 0', async () => {
  const lost = await RedisStores.open({ ...singleRedis(server.port), db: 99 });
  try {
    await expect(lost.sessions.ping()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
  } finally {
    lost.close();
  }
});

describe('sessions in Redis', () => {
  const clock = new ManualClock();
  const create = (session: Session) =>
    stores.sessions.create({
      session,
      ...{ securityVersion: 1, maxSessionsPerUser: 5, tombstoneTtlMs: DAY, now: clock.now() },
    });
  const aBrowser = (index: number, given: Partial<Session> = {}) => {
    const [platform = '', name = ''] = BROWSERS[index % BROWSERS.length] ?? [];
    return aSession(clock.now(), { device: { deviceId: randomUUID(), name, platform }, ...given });
  };
  const createMany = async (count: number) => {
    const sessions = Array.from({ length: count }, (_, index) => aBrowser(index));
    await inLanes(sessions, create);
    return sessions.map(({ userId }) => userKeys(userId).sessions);
  };
  const lifeOf = ({ userId }: Session) => server.with((redis) => redis.pttl(userKeys(userId).sessions));
  const keysOf = ({ userId }: Session) => server.with((redis) => redis.keys(`*{${packId(userId)}}*`));

  test('take at most 450 bytes each with a real browser’s user agent, in the compact form', async () => {
    const keys = await createMany(2_000);
    await server.with(async (redis) => {
      const encodings = await Promise.all(keys.map((key) => redis.object('ENCODING', key)));
      expect(new Set(encodings)).toEqual(new Set(['listpack']));
      const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
      const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0) / keys.length;
      expect(bytes + EXPIRY_BYTES).toBeLessThanOrEqual(450);
    });
  });

  test('stay in the compact form when a user has 50', async () => {
    const userId = ids.next(clock.now());
    const common = { securityVersion: 1, maxSessionsPerUser: 50, tombstoneTtlMs: DAY, now: clock.now() };
    const ipAddress = '2001:db8:85a3:8d3:1319:8a2e:370:7348';
    for (let count = 0; count < 50; count += 1) {
      await stores.sessions.create({ session: aBrowser(count, { userId, ipAddress }), ...common });
    }
    const key = userKeys(userId).sessions;
    expect(await server.with((redis) => redis.object('ENCODING', key))).toBe('listpack');
    expect(await server.with((redis) => redis.memory('USAGE', key))).toBeLessThanOrEqual(50 * 450);
  });

  test('opened in one instant expire over an hour, none before its deadline', async () => {
    const keys = await createMany(200);
    const ttls = await server.with((redis) => Promise.all(keys.map((key) => redis.pttl(key))));
    expect(Math.min(...ttls)).toBeGreaterThan(7 * DAY - MINUTE);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(7 * DAY + HOUR);
    const minutes = new Set(ttls.map((ttl) => Math.floor(ttl / MINUTE)));
    expect(minutes.size).toBeGreaterThan(30);
  });

  test('of a user are kept as long as the one that lives longest', async () => {
    const now = clock.now();
    const short = aBrowser(0, { idleDeadline: now + HOUR });
    await create(short);
    expect(await lifeOf(short)).toBeLessThanOrEqual(2 * HOUR);
    await create(aBrowser(1, { userId: short.userId }));
    expect(await lifeOf(short)).toBeGreaterThan(7 * DAY - MINUTE);
    await create(aBrowser(2, { userId: short.userId, idleDeadline: now + HOUR }));
    const refresh = { securityVersion: 1, refreshGraceMs: 0, tombstoneTtlMs: DAY, now };
    await stores.sessions.rotate({ ...short, ...refresh, generation: 1, idleTtlMs: HOUR });
    expect(await lifeOf(short)).toBeGreaterThan(7 * DAY - MINUTE);
    await stores.sessions.rotate({ ...short, ...refresh, generation: 2, idleTtlMs: 20 * DAY });
    expect(await lifeOf(short)).toBeGreaterThan(20 * DAY - MINUTE);
  });

  test('that were replaced can be reported for as long as their tombstones are kept', async () => {
    const device = { deviceId: 'phone', name: '', platform: '' };
    const first = aBrowser(0, { device, idleDeadline: clock.now() + HOUR });
    await create(first);
    await create(aBrowser(0, { userId: first.userId, device, idleDeadline: clock.now() + HOUR }));
    expect(await lifeOf(first)).toBeGreaterThan(DAY - MINUTE);
  });

  test('that were replaced leave no trace among the living once their ending is logged', async () => {
    const device = { deviceId: 'phone', name: '', platform: '' };
    const first = aBrowser(0, { device });
    const { userId } = first;
    const second = aBrowser(0, { userId, device });
    for (const session of [first, second]) await create(session);
    const idsThere = async () => {
      const fields = await server.with((redis) => redis.hkeys(userKeys(userId).sessions));
      return new Set(fields.map((field) => unpackId(field.slice(0, packId(userId).length))));
    };
    expect(await idsThere()).toEqual(new Set([first.sessionId, second.sessionId]));
    await stores.sessions.markLogged(userId, first.sessionId, '1-0');
    expect(await idsThere()).toEqual(new Set([second.sessionId]));
  });

  test('end at the millisecond of their deadline, in whichever characters it is packed', async () => {
    const how = { securityVersion: 1, refreshGraceMs: 0, idleTtlMs: 30 * DAY, tombstoneTtlMs: DAY };
    for (let ms = 0; ms < 64; ms += 1) {
      const absoluteDeadline = clock.now() + DAY + ms;
      const session = aBrowser(0, { absoluteDeadline });
      await create(session);
      const rotate = (generation: number, now: number) =>
        stores.sessions.rotate({ ...session, ...how, generation, now });
      expect(await rotate(1, absoluteDeadline - 1)).toMatchObject({ kind: 'rotated' });
      expect(await rotate(2, absoluteDeadline)).toMatchObject({ ended: { reason: 'MAX_LIFETIME' } });
    }
  });

  test('leave nothing but a tombstone when they end', async () => {
    const session = aBrowser(0, { ipAddress: '2001:db8:85a3:8d3:1319:8a2e:370:7348' });
    await create(session);
    const { userId, sessionId } = session;
    expect(await keysOf(session)).toEqual([userKeys(userId).sessions]);
    const how = { reason: 'LOGGED_OUT', tombstoneTtlMs: DAY, now: clock.now() } as const;
    await stores.sessions.end({ userId, sessionId, ...how });
    expect(await keysOf(session)).toEqual([userKeys(userId).tombstonePrefix + packId(sessionId)]);
  });

  test('have packed ids that sort as the ids they stand for', () => {
    const uuids = Array.from({ length: 200 }, (_, index) => ids.next(Date.UTC(2026, 0, 1) + (index % 7)));
    expect(uuids.map(packId).map(unpackId)).toEqual(uuids);
    expect(uuids.toSorted().map(packId)).toEqual(uuids.map(packId).toSorted());
  });

  test('have packed numbers that sort as the numbers do', () => {
    const numbers = [0, 1, 63, 64, 4_095, 2 ** 32, Date.UTC(2026, 0, 1), 2 ** 48 - 1];
    const packed = numbers.map(packNumber);
    expect(packed.map(unpackNumber)).toEqual(numbers);
    expect(packed.toSorted()).toEqual(packed);
    expect(new Set(packed.map(({ length }) => length))).toEqual(new Set([8]));
  });
});
