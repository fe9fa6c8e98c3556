import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import type { Session } from '../../src/core/session/session.ts';
import { devicePolicyLaw } from '../conformance/device-policy.ts';
import { outdatedSessionsLaw } from '../conformance/outdated-sessions.ts';
import { passedDeadlinesLaw } from '../conformance/passed-deadlines.ts';
import { sessionLimitLaw } from '../conformance/session-limit.ts';
import { sessionListLaw } from '../conformance/session-list.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { shortenedSessionsLaw } from '../conformance/shortened-sessions.ts';
import { inLanes } from '../support/in-lanes.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aSession, atMost, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';

let server: RedisServer;
let stores: RedisStores;

beforeAll(async () => {
  server = await RedisServer.start('--hash-max-listpack-value', '256');
  stores = await RedisStores.open(singleRedis(server.port));
});

afterAll(async () => {
  stores.close();
  await server.stop();
});

sessionStoreLaw('Redis', () => stores.sessions);
sessionLimitLaw('Redis', () => stores.sessions);
sessionListLaw('Redis', () => stores.sessions);
passedDeadlinesLaw('Redis', () => stores.sessions);
devicePolicyLaw('Redis', () => stores.sessions);
outdatedSessionsLaw('Redis', () => stores.sessions);
shortenedSessionsLaw('Redis', () => stores.sessions);

/** As a refresh reads it. */
const USER = { securityVersion: 1, outdatedReason: 'PASSWORD_CHANGED' } as const;
/** The entry and bucket in the table of expiring keys, which MEMORY USAGE does not count. */
const EXPIRY_BYTES = 48;

test('a database that Redis does not have counts as no connection, and database 0 is not used instead', async () => {
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
      ...{ ...atMost(5), tombstoneTtlMs: DAY, now: clock.now() },
    });
  const aBrowser = (given: Partial<Session> = {}) => {
    const device = {
      deviceId: randomUUID(),
      name: 'Chrome 142 on Windows 11, laptop at work',
      platform: 'Windows',
    };
    return aSession(clock.now(), { device, ipAddress: '203.0.113.117', ...given });
  };
  const createMany = async (count: number, given: Partial<Session> = {}) => {
    const sessions = Array.from({ length: count }, () => aBrowser(given));
    await inLanes(sessions, create);
    return sessions.map(({ userId }) => userKeys(userId).sessions);
  };
  const lifeOf = ({ userId }: Session) => server.with((redis) => redis.pttl(userKeys(userId).sessions));
  const keysOf = ({ userId }: Session) => server.with((redis) => redis.keys(`*{${userId}}*`));

  test.each([false, true])(
    'take at most 450 bytes each, as a listpack; on a new device: %s',
    async (isNewDevice) => {
      const keys = await createMany(2_000, { isNewDevice });
      await server.with(async (redis) => {
        const encodings = await Promise.all(keys.map((key) => redis.object('ENCODING', key)));
        expect(new Set(encodings)).toEqual(new Set(['listpack']));
        const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
        const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0) / keys.length;
        expect(bytes + EXPIRY_BYTES).toBeLessThanOrEqual(450);
      });
    },
  );

  test('stay a listpack when a user has 50', async () => {
    const userId = ids.next(clock.now());
    const common = { ...atMost(50), tombstoneTtlMs: DAY, now: clock.now() };
    const ipAddress = '2001:db8:85a3:8d3:1319:8a2e:370:7348';
    for (let count = 0; count < 50; count += 1) {
      await stores.sessions.create({ session: aBrowser({ userId, ipAddress }), ...common });
    }
    const key = userKeys(userId).sessions;
    expect(await server.with((redis) => redis.object('ENCODING', key))).toBe('listpack');
    expect(await server.with((redis) => redis.memory('USAGE', key))).toBeLessThanOrEqual(50 * 250);
  });

  test('are stored as shown in docs/operations.md', async () => {
    const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const shown = /HGETALL '(.+)'\n(.+)\n(.+)\n/.exec(text)?.slice(1);
    const session: Session = {
      userId: '01a1fff3-c71a-7303-88f4-757869f99389',
      sessionId: '01a1fff3-c71a-7559-b2d4-2bf22e4b29c5',
      clientId: 'web',
      device: {
        deviceId: '5f1c9c1e-30c5-4e0a-9d3c-0f7f6f1d2a10',
        name: 'Chrome 142 on Windows',
        platform: 'Windows',
      },
      ipAddress: '203.0.113.7',
      latestIpAddress: '203.0.113.7',
      labels: { app_version: '5.2' },
      isNewDevice: false,
      authenticationMethods: ['pwd'],
      ...{ createdAt: 1_795_295_528_730, lastSeenAt: 1_795_295_528_730 },
      ...{ idleDeadline: 1_795_900_328_730, absoluteDeadline: 1_797_887_528_730 },
      ...{ generation: 1, securityVersion: 1 },
    };
    await stores.sessions.create({
      session,
      ...{ ...atMost(5), tombstoneTtlMs: DAY, now: session.createdAt },
    });
    const how = { ...session, ...USER, refreshGraceMs: 0, idleTtlMs: 7 * DAY, tombstoneTtlMs: DAY };
    await stores.sessions.rotate({ ...how, generation: 1, now: 1_795_296_400_000 });
    const moved = { ...how, ipAddress: '198.51.100.23' };
    await stores.sessions.rotate({ ...moved, generation: 2, now: 1_795_297_300_000 });
    const key = userKeys(session.userId).sessions;
    expect([key, ...Object.entries(await server.with((redis) => redis.hgetall(key)))].flat()).toEqual(shown);
  });

  test('have the elements of the build before until they need more, and a refresh keeps those of a later one', async () => {
    const session = aBrowser({ authenticationMethods: [] });
    await create(session);
    const { sessions: key } = userKeys(session.userId);
    const stored = async (change: (record: readonly unknown[]) => readonly unknown[]) => {
      const record = await server.with((redis) => redis.hget(key, session.sessionId));
      const changed = JSON.stringify(change(JSON.parse(record ?? '') as unknown[]));
      await server.with((redis) => redis.hset(key, session.sessionId, changed));
    };
    const recordNow = async () =>
      JSON.parse((await server.with((redis) => redis.hget(key, session.sessionId))) ?? '') as unknown[];
    expect(await recordNow()).toHaveLength(12);
    const read = () => stores.sessions.read(session.userId, session.sessionId, clock.now());
    expect(await read()).toEqual({ kind: 'live', session });
    const how = { ...session, ...USER, refreshGraceMs: 0, idleTtlMs: 7 * DAY, tombstoneTtlMs: DAY };
    const refresh = (generation: number, ipAddress: string) =>
      stores.sessions.rotate({ ...how, generation, ipAddress, now: clock.now() });
    await refresh(1, session.ipAddress);
    expect(await recordNow()).toHaveLength(12);
    await refresh(2, '198.51.100.23');
    expect(await read()).toMatchObject({ session: { latestIpAddress: '198.51.100.23', labels: {} } });
    // A later release may have appended elements of any form.
    await stored((record) => [...record, {}, [], '"]', [[1], { a: [] }]]);
    const before = await recordNow();
    await refresh(3, '198.51.100.24');
    expect((await recordNow()).slice(6)).toEqual(before.slice(6).with(6, '198.51.100.24'));
  });

  test('that were created at the same instant expire within an hour of each other, none before its deadline', async () => {
    const keys = await createMany(200);
    const ttls = await server.with((redis) => Promise.all(keys.map((key) => redis.pttl(key))));
    expect(Math.min(...ttls)).toBeGreaterThan(7 * DAY - MINUTE);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(7 * DAY + HOUR);
    const minutes = new Set(ttls.map((ttl) => Math.floor(ttl / MINUTE)));
    expect(minutes.size).toBeGreaterThan(30);
  });

  test('of a user are kept as long as the longest-lived one', async () => {
    const now = clock.now();
    const short = aBrowser({ idleDeadline: now + HOUR });
    await create(short);
    expect(await lifeOf(short)).toBeLessThanOrEqual(2 * HOUR);
    await create(aBrowser({ userId: short.userId }));
    expect(await lifeOf(short)).toBeGreaterThan(7 * DAY - MINUTE);
    await create(aBrowser({ userId: short.userId, idleDeadline: now + HOUR }));
    const refresh = { ...USER, refreshGraceMs: 0, tombstoneTtlMs: DAY, now };
    await stores.sessions.rotate({ ...short, ...refresh, generation: 1, idleTtlMs: HOUR });
    expect(await lifeOf(short)).toBeGreaterThan(7 * DAY - MINUTE);
    await stores.sessions.rotate({ ...short, ...refresh, generation: 2, idleTtlMs: 20 * DAY });
    expect(await lifeOf(short)).toBeGreaterThan(20 * DAY - MINUTE);
  });

  test('that were replaced can be reported until their tombstones expire', async () => {
    const device = { deviceId: 'phone', name: '', platform: '' };
    const first = aBrowser({ device, idleDeadline: clock.now() + HOUR });
    await create(first);
    await create(aBrowser({ userId: first.userId, device, idleDeadline: clock.now() + HOUR }));
    expect(await lifeOf(first)).toBeGreaterThan(DAY - MINUTE);
  });

  test('that were replaced are removed from the hash once their end is logged', async () => {
    const device = { deviceId: 'phone', name: '', platform: '' };
    const first = aBrowser({ device });
    const { userId } = first;
    const second = aBrowser({ userId, device });
    for (const session of [first, second]) await create(session);
    const idsThere = async () => {
      const fields = await server.with((redis) => redis.hkeys(userKeys(userId).sessions));
      return new Set(fields);
    };
    expect(await idsThere()).toEqual(new Set([first.sessionId, second.sessionId]));
    await stores.sessions.markLogged(userId, first.sessionId, '1-0', Date.now());
    expect(await idsThere()).toEqual(new Set([second.sessionId]));
  });

  test('end at the millisecond of their deadline', async () => {
    const how = { ...USER, refreshGraceMs: 0, idleTtlMs: 30 * DAY, tombstoneTtlMs: DAY };
    for (let ms = 0; ms < 64; ms += 1) {
      const absoluteDeadline = clock.now() + DAY + ms;
      const session = aBrowser({ absoluteDeadline });
      await create(session);
      const rotate = (generation: number, now: number) =>
        stores.sessions.rotate({ ...session, ...how, generation, now });
      expect(await rotate(1, absoluteDeadline - 1)).toMatchObject({ kind: 'rotated' });
      expect(await rotate(2, absoluteDeadline)).toMatchObject({ ended: { reason: 'MAX_LIFETIME' } });
    }
  });

  test('leave only a tombstone when they end', async () => {
    const session = aBrowser({ ipAddress: '2001:db8:85a3:8d3:1319:8a2e:370:7348' });
    await create(session);
    const { userId, sessionId } = session;
    expect(await keysOf(session)).toEqual([userKeys(userId).sessions]);
    const how = { reason: 'LOGGED_OUT', tombstoneTtlMs: DAY, now: clock.now() } as const;
    await stores.sessions.end({ userId, sessionId, ...how });
    // Until the end is logged it can be found among the user's sessions.
    expect(await keysOf(session)).toHaveLength(2);
    await stores.sessions.markLogged(userId, sessionId, '1-0', clock.now());
    expect(await keysOf(session)).toEqual([userKeys(userId).tombstonePrefix + sessionId]);
  });

  test('that are missing leave no key when they are ended by their id', async () => {
    const session = aBrowser();
    const { userId, sessionId } = session;
    const how = { reason: 'ENDED_BY_USER', tombstoneTtlMs: DAY, now: clock.now() } as const;
    expect(await stores.sessions.endKnown({ userId, sessionId, ...how })).toBeUndefined();
    expect(await stores.sessions.endOthers({ userId, keptSessionId: sessionId, ...how })).toEqual([]);
    expect(await stores.sessions.list(userId, clock.now())).toEqual([]);
    expect(await keysOf(session)).toEqual([]);
  });
});
