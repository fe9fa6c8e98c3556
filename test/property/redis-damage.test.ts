import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { User } from '../../src/core/user/user.ts';
import { WatchEncoder } from '../../src/grpc/messages/watch-encoder.ts';
import { writeEntry } from '../support/damaged-entries.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatch } from '../support/recording-watch.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';

/** Damage to one user's keys or to the log affects no other user, and stops no reader of the log. */

let server: RedisServer;
let redis: Redis;
let stores: RedisStores;
let world: SessionWorld;
let subscriptions: RevocationSubscriptions;
const encoder = new WatchEncoder();

beforeAll(async () => {
  // A read then waits for 5 ms instead of a tenth of a second.
  server = await RedisServer.start('--hz', '500');
  redis = new Redis(server.port, '127.0.0.1');
  const clock = new ManualClock();
  subscriptions = new RevocationSubscriptions(clock);
  stores = await RedisStores.open(singleRedis(server.port));
  world = await SessionWorld.open(
    { store: stores.sessions, log: stores.log, listener: subscriptions },
    clock,
  );
});

afterAll(async () => {
  await world.close();
  stores.close();
  redis.disconnect();
  await server.stop();
});

const LOG_FIELDS = ['user', 'session', 'created_until', 'reason', 'ended_at', 'expires_at'] as const;

type Bytes = Uint8Array;
const bytes: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ maxLength: 50 }),
  fc
    .constantFrom('', '*', '-1', 'nan', 'inf', '1e400', '9'.repeat(30), 'LOGGED_OUT', '1767225600000', '{}')
    .map((text) => Buffer.from(text)),
);

/** A change of a user's keys, or of the log. */
type Damage = (damagedUser: User, session: OpenedSession) => Promise<unknown>;

const hashesOf = ({ userId }: User, { session }: OpenedSession) => {
  const { sessions, cutoff, tombstonePrefix } = userKeys(userId);
  return [sessions, sessions, cutoff, tombstonePrefix + session.sessionId];
};
/** One of the existing fields, or another one. */
const aField = async (key: string, which: number, other: Bytes) => {
  const fields = await redis.hkeysBuffer(key).catch(() => []);
  return fields[which % (fields.length + 1)] ?? Buffer.from(other);
};
const where = fc.record({ key: fc.nat(3), which: fc.nat(30), other: bytes, value: bytes });

const overwrite = where.map(({ key, which, other, value }): [string, Damage] => [
  `overwrite ${key}/${which}`,
  async (damagedUser, session) => {
    const name = hashesOf(damagedUser, session)[key] ?? '';
    await redis.hset(name, await aField(name, which, other), Buffer.from(value)).catch(() => undefined);
  },
]);
const flip = where.map(({ key, which, other, value }): [string, Damage] => [
  `change a byte of ${key}/${which}`,
  async (damagedUser, session) => {
    const name = hashesOf(damagedUser, session)[key] ?? '';
    const field = await aField(name, which, other);
    const found = await redis.hgetBuffer(name, field).catch(() => null);
    if (found === null || found.length === 0) return;
    found[which % found.length] = value[0] ?? 0;
    await redis.hset(name, field, found);
  },
]);
const drop = where.map(({ key, which, other }): [string, Damage] => [
  `drop ${key}/${which}`,
  async (damagedUser, session) => {
    const name = hashesOf(damagedUser, session)[key] ?? '';
    await redis.hdel(name, await aField(name, which, other)).catch(() => undefined);
  },
]);
const log = fc
  .array(fc.tuple(fc.constantFrom(...LOG_FIELDS, 'other'), bytes), { minLength: 1, maxLength: 6 })
  .map((fields): [string, Damage] => [
    'write into the log',
    async (damagedUser) => {
      const all = fields.flatMap(([name, value]) => [name, Buffer.from(value)]);
      // Half of them name the damaged user.
      await writeEntry(redis, fields.length % 2 === 0 ? all : ['user', damagedUser.userId, ...all]);
    },
  ]);

const refresh = ({ tokens }: OpenedSession) => outcomeOf(world.refresh(tokens.refreshToken));
const end = ({ session }: OpenedSession) =>
  outcomeOf(world.ender.end(session.userId, session.sessionId, 'LOGGED_OUT', ADMIN_ACTOR));
const validate = async ({ tokens }: OpenedSession) => {
  const { verdict } = await world.tokens.validate(tokens.accessToken, { consistency: 'STRONG' });
  return verdict.kind;
};

async function expectUnharmed(other: User, session: OpenedSession): Promise<void> {
  expect(await validate(session)).toBe('accepted');
  expect(await refresh(session)).toBe('ok');
  const second = await world.open(other);
  expect(await end(second)).toBe('ok');
  expect(await refresh(second)).toBe('SESSION_ENDED');
}

/** No damaged data is accepted, and the user can be disabled in any case. */
async function expectRefused(damagedUser: User, sessions: readonly OpenedSession[]): Promise<void> {
  for (const session of sessions) {
    expect(['ok', 'SESSION_ENDED', 'STORE_UNAVAILABLE']).toContain(await refresh(session));
    expect(['accepted', 'rejected']).toContain(await validate(session).catch(() => 'rejected'));
  }
  expect(['ok', 'INVALID_CREDENTIALS']).toContain(await outcomeOf(world.open(damagedUser)));
  const [first] = sessions;
  if (first !== undefined) expect(await end(first)).toBe('ok');
  world.changeUser(damagedUser, { securityVersion: 2 });
  await world.ender.endUser(damagedUser.userId, 2, 'USER_DISABLED', ADMIN_ACTOR);
  for (const session of sessions) {
    expect(await refresh(session)).toBe('SESSION_ENDED');
    expect(await validate(session)).toBe('rejected');
  }
}

describe('damage in Redis', () => {
  test('affects at most its own user, and stops no reader of the log', async () => {
    const damages = fc.array(fc.oneof(overwrite, flip, drop, log), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damages, fc.boolean(), async (taken, isEnded) => {
        const [damagedUser, other] = [world.addUser(), world.addUser()];
        const sessions = [
          await world.open(damagedUser, { deviceId: 'phone' }),
          await world.open(damagedUser),
        ];
        const [first] = sessions;
        const another = await world.open(other);
        await world.settle();
        const subscriber = new RecordingWatch(subscriptions);
        if (first === undefined) return;
        if (isEnded) await end(first);
        for (const [, damage] of taken) await damage(damagedUser, first);

        await expectUnharmed(other, another);
        await expectRefused(damagedUser, sessions);
        await world.settle();
        expect(await end(another)).toBe('ok');
        await eventually(() => world.follower.endReasonOf('', another.session.sessionId, 0) === 'LOGGED_OUT');
        for (const message of subscriber.messages) encoder.encode(message);
        expect(subscriber.failure).toBeUndefined();
        subscriber.close();
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});
