import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { User } from '../../src/core/user/user.ts';
import {
  DAMAGED_SURROUNDINGS,
  DAMAGED_TOMBSTONES,
  type DamageToUser,
  UNREADABLE_RECORDS,
} from '../support/damaged-sessions.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { MINUTE } from '../support/sessions.ts';

/** Damage to a session in Redis affects only that session, not its user or other sessions. */

let server: RedisServer;
/** Damages the store without the adapter. */
let redis: Redis;
let stores: RedisStores;
let world: SessionWorld;
let user: User;
let damaged: OpenedSession;
let healthy: OpenedSession;
let otherUsersSession: OpenedSession;

/** One world for all tests, so damage by one test is there for the next. */
beforeAll(async () => {
  // A read then waits for 5 ms instead of a tenth of a second.
  server = await RedisServer.start('--hz', '500');
  redis = new Redis(server.port, '127.0.0.1');
  const clock = new ManualClock();
  stores = await RedisStores.open(singleRedis(server.port));
  world = await SessionWorld.open({ store: stores.sessions, log: stores.log }, clock);
});

afterAll(async () => {
  await world.close();
  stores.close();
  redis.disconnect();
  await server.stop();
});

beforeEach(async () => {
  user = world.addUser();
  damaged = await world.open(user, { deviceId: 'phone' });
  healthy = await world.open(user, { deviceId: 'tablet' });
  otherUsersSession = await world.open(world.addUser());
  await world.settle();
});

const damage = (how: DamageToUser) => how(redis, damaged.session);
const refresh = ({ tokens }: OpenedSession) => outcomeOf(world.refresh(tokens.refreshToken));
const validate = async ({ tokens }: OpenedSession) => {
  const { verdict } = await world.tokens.validate(tokens.accessToken, { consistency: 'STRONG' });
  return verdict.kind === 'accepted' ? 'accepted' : verdict.reason;
};
const end = ({ session }: OpenedSession) =>
  world.ender.end(session.userId, session.sessionId, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
const fieldsLeft = async ({ session }: OpenedSession) => {
  const fields = await redis.hkeys(userKeys(session.userId).sessions);
  return fields.filter((field) => field.startsWith(session.sessionId));
};

/** What must work whatever one session contains. Finally ends every session of the user. */
async function expectOthersUnharmed(): Promise<void> {
  expect(await validate(healthy)).toBe('accepted');
  expect(await refresh(healthy)).toBe('ok');
  // On the device of the damaged session, and beyond the limit of three.
  for (const deviceId of ['phone', '', '']) {
    const { session } = await world.open(user, { deviceId });
    expect(session.createdAt - world.clock.now()).toBeLessThan(MINUTE);
  }
  const changed = world.changeUser(user, { securityVersion: 2 });
  const { revision } = await world.ender.endUser(user.userId, 2, 'USER_DISABLED', ADMIN_ACTOR);
  expect(revision).toMatch(/^\d+-\d+$/);
  await world.settle();
  for (const session of [healthy, damaged]) {
    expect(await validate(session)).toBe('SESSION_ENDED');
    expect(await refresh(session)).toBe('SESSION_ENDED');
  }
  const again = await world.open(changed);
  expect(await refresh(again)).toBe('ok');
  expect(await refresh(otherUsersSession)).toBe('ok');
  expect(await validate(otherUsersSession)).toBe('accepted');
}

describe('a session record that cannot be parsed', () => {
  test.each(UNREADABLE_RECORDS)('is refused, and no other session is: %s', async (_, how) => {
    await damage(how);
    expect(await validate(damaged)).toBe('SESSION_ENDED');
    expect((await failureOf(world.refresh(damaged.tokens.refreshToken))).metadata).toMatchObject({
      end_reason: 'UNSPECIFIED',
    });
    expect(stores.damages).toContainEqual({ what: 'session', id: damaged.session.sessionId });
    await expectOthersUnharmed();
  });

  test.each(UNREADABLE_RECORDS)('can be ended, and is then removed: %s', async (_, how) => {
    await damage(how);
    expect((await end(damaged)).revision).toMatch(/^\d+-\d+$/);
    expect(await fieldsLeft(damaged)).toEqual([]);
    expect((await failureOf(world.refresh(damaged.tokens.refreshToken))).metadata).toMatchObject({
      end_reason: 'ENDED_BY_ADMIN',
    });
    await expectOthersUnharmed();
  });

  test.each(UNREADABLE_RECORDS)('is missing where it would be shortened: %s', async (_, how) => {
    await damage(how);
    const { userId, sessionId } = damaged.session;
    const now = world.clock.now();
    const request = { userId, sessionId, deadline: now + MINUTE, now };
    expect(await stores.sessions.shorten(request)).toEqual({ kind: 'missing' });
    expect(stores.damages).toContainEqual({ what: 'session', id: sessionId });
  });

  test.each(UNREADABLE_RECORDS)('is left out of the list, and reported: %s', async (_, how) => {
    await damage(how);
    const listed = await stores.sessions.list(user.userId, world.clock.now());
    expect(listed.map(({ sessionId }) => sessionId)).toEqual([healthy.session.sessionId]);
    expect(stores.damages).toContainEqual({ what: 'session', id: damaged.session.sessionId });
  });

  test.each(UNREADABLE_RECORDS)('ends with the others of its user: %s', async (_, how) => {
    await damage(how);
    const { userId, sessionId } = healthy.session;
    const ended = await world.ender.endOthers(userId, sessionId, 'ENDED_BY_USER', ADMIN_ACTOR);
    expect(ended).toEqual({ count: 1, revision: expect.stringMatching(/^\d+-\d+$/) });
    expect(await fieldsLeft(damaged)).toEqual([]);
    expect((await failureOf(world.refresh(damaged.tokens.refreshToken))).metadata).toMatchObject({
      end_reason: 'ENDED_BY_USER',
    });
    expect(await refresh(healthy)).toBe('ok');
  });

  test.each(UNREADABLE_RECORDS)('ends where its user changes the password: %s', async (_, how) => {
    await damage(how);
    const { userId, sessionId } = healthy.session;
    const ended = await world.ender.endOutdated(userId, 2, sessionId, 'PASSWORD_CHANGED', ADMIN_ACTOR);
    expect(ended).toEqual({ count: 1, revision: expect.stringMatching(/^\d+-\d+$/) });
    expect(await fieldsLeft(damaged)).toEqual([]);
    world.changeUser(user, { securityVersion: 2 });
    expect(await refresh(healthy)).toBe('ok');
  });

  test.each(UNREADABLE_RECORDS)('stays as it is where it is the one to keep: %s', async (_, how) => {
    await damage(how);
    const before = await fieldsLeft(damaged);
    const { userId, sessionId } = damaged.session;
    const ended = await world.ender.endOutdated(userId, 2, sessionId, 'PASSWORD_CHANGED', ADMIN_ACTOR);
    expect(ended.count).toBe(1);
    expect(await fieldsLeft(damaged)).toEqual(before);
  });

  test.each(UNREADABLE_RECORDS)('does not prevent its user from being disabled: %s', async (_, how) => {
    await damage(how);
    const { revision } = await world.ender.endUser(user.userId, 2, 'USER_DISABLED', ADMIN_ACTOR);
    expect(revision).toMatch(/^\d+-\d+$/);
    expect(await fieldsLeft(damaged)).toEqual([]);
  });

  test('is listed without names and can be chosen, where it counts at the session limit', async () => {
    const { userId, sessionId } = damaged.session;
    const counted = JSON.stringify([1, 1, 1, world.clock.now() * 2, world.clock.now() * 2, 1, 'web', 7, 8]);
    await damage(() => redis.hset(userKeys(userId).sessions, sessionId, counted));
    const refusing = world.changeUser(user, {
      devicePolicy: { kind: 'limit', maxSessions: 2, atLimit: 'refuse' },
    });
    const refused = await world.signIn(refusing);
    const { createdAt } = damaged.session;
    expect(refused).toMatchObject({
      kind: 'session-limit',
      sessions: expect.arrayContaining([
        { sessionId, deviceName: '', platform: '', createdAt, lastSeenAt: createdAt },
      ]),
    });
    expect(stores.damages).toContainEqual({ what: 'session', id: sessionId });
    expect(await world.signIn(refusing, {}, sessionId)).toMatchObject({ kind: 'opened' });
    world.changeUser(user, {});
    await expectOthersUnharmed();
  });

  test('of a later release is left to servers that can read it', async () => {
    const { userId, sessionId } = damaged.session;
    await damage(() => redis.hset(userKeys(userId).sessions, sessionId, '[2,{"other":true}]'));
    expect(await outcomeOf(validate(damaged))).toBe('STORE_UNAVAILABLE');
    expect(await refresh(damaged)).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(stores.sessions.list(userId, world.clock.now()))).toBe('STORE_UNAVAILABLE');
    expect(await fieldsLeft(damaged)).toHaveLength(1);
    await expectOthersUnharmed();
  });
});

describe('an ended session with damaged data in Redis', () => {
  test.each(DAMAGED_TOMBSTONES)('stays ended, and can be ended again: %s', async (_, how) => {
    const { revision: before } = await end(damaged);
    await damage(how);
    expect(await validate(damaged)).toBe('SESSION_ENDED');
    expect(await refresh(damaged)).toBe('SESSION_ENDED');
    expect((await end(damaged)).revision).toMatch(/^\d+-\d+$/);
    const [logged] = await stores.log.read(before, 0);
    expect(logged?.revocation.endedAt ?? world.clock.now()).toBe(world.clock.now());
    await expectOthersUnharmed();
  });

  test('stays ended if it also has a record, and the record is removed', async () => {
    const { userId, sessionId } = damaged.session;
    await damage(() =>
      redis.hset(userKeys(userId).tombstonePrefix + sessionId, 'reason', 'LOGGED_OUT', 'ended_at', '1'),
    );
    await end(damaged);
    expect(await refresh(damaged)).toBe('SESSION_ENDED');
    expect(await fieldsLeft(damaged)).toEqual([]);
  });
});

describe('a session in Redis', () => {
  test.each(DAMAGED_SURROUNDINGS)('works beside %s', async (_, how) => {
    await damage(how);
    expect(await validate(damaged)).toBe('accepted');
    expect(await refresh(damaged)).toBe('ok');
    expect(await stores.sessions.list(user.userId, world.clock.now())).toHaveLength(2);
    await expectOthersUnharmed();
  });
});
