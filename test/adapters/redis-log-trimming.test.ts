import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LOG_KEYS } from '../../src/adapters/redis/keys.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aRevocation } from '../support/revocations.ts';
import { DAY, HOUR, MINUTE } from '../support/sessions.ts';

/** When the log in Redis drops an entry. Entries of `aRevocation` expire after an hour; the retention is 20 minutes. */

const RETENTION = 20 * MINUTE;

let server: RedisServer;
/** The clock of the service. Redis uses the clock of this machine, so if this one is behind, Redis is ahead. */
let clock: ManualClock;
let stores: RedisStores;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.stop());

const openBehind = async (behindMs: number) => {
  clock = new ManualClock(Date.now() - behindMs);
  stores = await RedisStores.open(singleRedis(server.port), { retentionMs: RETENTION, clock });
};

beforeEach(() => server.with((redis) => redis.flushall()));
afterEach(() => stores.close());

const append = (revocation: Revocation = aRevocation(clock.now())) =>
  stores.log.append(revocation, clock.now());
const appendMany = async (count: number) => {
  for (let done = 0; done < count; done += 1) await append();
};
const length = () => server.with((redis) => redis.xlen(LOG_KEYS.stream));
const inspect = (position: string) => stores.log.inspect(position, clock.now());

/** Gives the entries the ids that they would have if the clock of Redis had been set. Returns the last one. */
const moveIds = (byMs: number): Promise<string> =>
  server.with(async (redis) => {
    const entries = await redis.xrange(LOG_KEYS.stream, '-', '+');
    await redis.del(LOG_KEYS.stream);
    let last = '';
    for (const [id, fields] of entries) {
      const [ms = '', sequence] = id.split('-');
      last = String(await redis.xadd(LOG_KEYS.stream, `${Number(ms) + byMs}-${sequence}`, ...fields));
    }
    return last;
  });

describe('while the clock of Redis is an hour ahead', () => {
  beforeEach(() => openBehind(HOUR));

  test('the log keeps earlier entries', async () => {
    await appendMany(225);
    await moveIds(-HOUR);
    await appendMany(3);
    expect(await length()).toBe(228);
  });

  test('a lost entry is not mistaken for a dropped one', async () => {
    await append();
    const lost = await moveIds(-HOUR);
    await server.with((redis) => redis.xdel(LOG_KEYS.stream, lost));
    expect(await inspect(lost)).toMatchObject({ continuous: false });
  });
});

describe('after the clock of Redis was an hour ahead', () => {
  beforeEach(() => openBehind(0));

  test('the log keeps growing, keeps recent entries, and is complete for its readers', async () => {
    await appendMany(50);
    const position = await moveIds(HOUR);
    await appendMany(50);
    expect(await length()).toBe(100);
    expect(await inspect(position)).toMatchObject({ continuous: true });
    expect(await stores.log.read(position, 0)).toHaveLength(50);
  });

  test('an entry from that hour is dropped when it has expired, and does not count as lost', async () => {
    await append(aRevocation(clock.now() - 2 * HOUR));
    const position = await moveIds(HOUR);
    await appendMany(2);
    expect(await length()).toBe(2);
    expect(await inspect(position)).toMatchObject({ continuous: true });
  });
});

describe('after the clock of the service', () => {
  beforeEach(() => openBehind(3 * HOUR));

  test('was set two hours ahead, the log keeps recent entries', async () => {
    await appendMany(30);
    clock.set(2 * HOUR);
    await appendMany(3);
    expect(await length()).toBe(33);
  });

  test('has advanced by two hours, the log drops expired entries', async () => {
    await appendMany(3);
    clock.advance(2 * HOUR);
    await appendMany(2);
    expect(await length()).toBe(2);
  });
});

describe('the log', () => {
  beforeEach(() => openBehind(3 * HOUR));

  test('drops a bounded number of entries at a time', async () => {
    await appendMany(200);
    clock.advance(2 * HOUR);
    await append();
    expect(await length()).toBeGreaterThan(150);
    await appendMany(19);
    expect(await length()).toBe(20);
  });

  test('keeps an expired entry for its retention after the end of the session', async () => {
    await append({ ...aRevocation(clock.now()), expiresAt: clock.now() });
    clock.advance(RETENTION - 1);
    await appendMany(2);
    expect(await length()).toBe(3);
    clock.advance(2);
    await append();
    expect(await length()).toBe(3);
  });

  test.each([
    ['is to be kept for a year', { expiresAt: Date.now() + 365 * DAY }],
    ['has no time in it', { endedAt: Number.NaN, expiresAt: Number.NaN }],
  ])('is trimmed even if one entry %s', async (_which, damage) => {
    await append({ ...aRevocation(clock.now()), ...damage });
    await moveIds(-3 * HOUR);
    await append();
    clock.advance(2 * HOUR);
    await appendMany(2);
    expect(await length()).toBe(2);
  });
});
