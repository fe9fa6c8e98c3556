import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryLoginAttempts } from '../../src/adapters/memory/memory-login-attempts.ts';
import { UserService } from '../../src/core/administration/user-service.ts';
import { Failure, invalidField } from '../../src/core/failure.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { canonicalUsername } from '../../src/core/user/username.ts';
import { anAttempt, reserved } from '../support/attempts.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryUserDirectory } from '../support/memory-user-directory.ts';
import { ADMIN_ACTOR, RecordedEvents } from '../support/security-events.ts';
import { ids } from '../support/sessions.ts';
import { aUser, userIdOf } from '../support/users.ts';

const PASSWORD = 'correct horse battery staple';

/** Records the ends of sessions. Fails the given number of times first. */
class NotingEnder {
  readonly noted: string[] = [];
  failures = 0;
  /** Called just before an end is confirmed. */
  meanwhile: () => Promise<unknown> = async () => undefined;

  async endUser(userId: string, securityVersion: number, reason: string): Promise<{ revision: string }> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Failure('END_UNCONFIRMED', 'not confirmed');
    }
    await this.meanwhile();
    this.noted.push(`${reason} ${userId.slice(-2)} v${securityVersion}`);
    return { revision: String(this.noted.length) };
  }
}

let clock: ManualClock;
let directory: MemoryUserDirectory;
let ender: NotingEnder;
let users: UserService;
let events: RecordedEvents;
let attempts: MemoryLoginAttempts;

beforeEach(() => {
  attempts = new MemoryLoginAttempts(loginLimits(30));
  clock = new ManualClock();
  directory = new MemoryUserDirectory();
  ender = new NotingEnder();
  events = new RecordedEvents();
  const passwords = {
    hash: async (password: string) => `hash of ${password}`,
    importHash: (hash: string) => {
      if (!hash.startsWith('$2')) throw invalidField('password_hash', 'must be a bcrypt hash');
      return `imported ${hash}`;
    },
  };
  users = new UserService({ directory, passwords, sessions: ender, attempts, events, clock, ids });
});

test('every change of a user is published with its actor', async () => {
  const { userId } = await users.create({ username: 'ada', password: PASSWORD, roles: [] }, ADMIN_ACTOR);
  await users.update(userId, { roles: ['ops'] }, ADMIN_ACTOR);
  await users.setPassword(userId, `${PASSWORD}!`, ADMIN_ACTOR);
  await users.disable(userId, ADMIN_ACTOR);
  await users.enable(userId, ADMIN_ACTOR);
  await users.enable(userId, ADMIN_ACTOR);
  await users.liftLoginLimits(userId, ADMIN_ACTOR);
  await users.delete(userId, ADMIN_ACTOR);
  expect(events.of('UserChanged').map(({ change }) => change)).toEqual([
    // A deletion disables the user first, so that it can be repeated until the end of the sessions is confirmed.
    ...[
      'CREATED',
      'UPDATED',
      'PASSWORD_SET',
      'DISABLED',
      'ENABLED',
      'LOGIN_LIMITS_LIFTED',
      'DISABLED',
      'DELETED',
    ],
  ]);
  for (const event of events.all) expect(event).toMatchObject({ userId, actor: ADMIN_ACTOR });
  // Stored in the transaction of the change. Lifting a limit changes no record, so its event is stored by itself.
  const stored = directory.auditEvents.map(({ details }) => details['change']);
  const lifted = events.stored.map((event) => event.kind === 'UserChanged' && event.change);
  expect(lifted).toEqual(['LOGIN_LIMITS_LIFTED']);
  const published = events.of('UserChanged').map(({ change }) => change);
  expect(stored).toEqual(published.filter((change) => change !== 'LOGIN_LIMITS_LIFTED'));
});

test('lifting the limits of a user makes sign-ins at that account free of delay', async () => {
  const { userId } = await users.create({ username: 'ada', password: PASSWORD, roles: [] }, ADMIN_ACTOR);
  const guess = () => reserved(attempts, anAttempt(clock.now(), { userId }));
  for (let guesses = 0; guesses < 50; guesses += 1) await guess();
  expect(await guess()).toBe(1_000);
  expect((await users.liftLoginLimits(userId, ADMIN_ACTOR)).username).toBe('ada');
  expect(await guess()).toBe('in');
  expect((await failureOf(users.liftLoginLimits(userIdOf(9), ADMIN_ACTOR))).reason).toBe('USER_NOT_FOUND');
});

describe('creating a user', () => {
  test('stores what was requested, with the password hashed and without duplicate roles', async () => {
    const created = await users.create(
      { username: 'Ada', password: PASSWORD, roles: ['b', 'a', 'b'] },
      ADMIN_ACTOR,
    );
    expect(created).toMatchObject({
      username: 'Ada',
      usernameKey: 'ada',
      passwordHash: `hash of ${PASSWORD}`,
      roles: ['b', 'a'],
      disabledAt: undefined,
      createdAt: clock.now(),
      version: 1,
      securityVersion: 1,
    });
    expect(await users.get({ userId: created.userId })).toEqual(created);
    expect(await users.get({ username: 'ADA' })).toEqual(created);
  });

  test('imports a hash from another system', async () => {
    const created = await users.create({ username: 'ada', passwordHash: '$2b$…', roles: [] }, ADMIN_ACTOR);
    expect(created.passwordHash).toBe('imported $2b$…');
  });

  test('names every invalid field at once, and stores nothing', async () => {
    const faulty = users.create({ username: 'a b', passwordHash: 'md5', roles: ['Admin'] }, ADMIN_ACTOR);
    const { reason, violations } = await failureOf(faulty);
    expect(reason).toBe('INVALID_FIELD');
    expect(violations.map(({ field }) => field)).toEqual(['username', 'roles[0]', 'password_hash']);
    expect((await users.list(10)).users).toEqual([]);
  });

  test('refuses a password that contains the username', async () => {
    const weak = users.create({ username: 'Archimedes', password: 'archimedes', roles: [] }, ADMIN_ACTOR);
    expect((await failureOf(weak)).violations.map(({ field }) => field)).toEqual(['password']);
  });

  test('refuses a username that is taken in another spelling', async () => {
    await users.create({ username: 'ada', password: PASSWORD, roles: [] }, ADMIN_ACTOR);
    const taken = users.create({ username: 'ＡＤＡ', password: PASSWORD, roles: [] }, ADMIN_ACTOR);
    expect((await failureOf(taken)).reason).toBe('USERNAME_TAKEN');
  });
});

describe('a username with blank characters or like a user id', () => {
  const BLANK = 'ada\u2800';
  const LIKE_AN_ID = '01900000-0000-7000-8000-00000000AAAA';

  test.each([BLANK, LIKE_AN_ID])('is refused in every request that sets one: %p', async (username) => {
    const ada = await users.create({ username: 'ada', password: PASSWORD, roles: [] }, ADMIN_ACTOR);
    const given = [
      () => users.create({ username, password: PASSWORD, roles: [] }, ADMIN_ACTOR),
      () => users.update(ada.userId, { username }, ADMIN_ACTOR),
    ];
    for (const give of given) expect((await failureOf(give)).reason).toBe('INVALID_FIELD');
    await users.delete(ada.userId, ADMIN_ACTOR);
    expect((await failureOf(() => users.bootstrap({ username }))).reason).toBe('INVALID_FIELD');
  });

  test.each([BLANK, LIKE_AN_ID])('can be kept and changed by its user: %p', async (username) => {
    await directory.insert(aUser(1, { username, usernameKey: canonicalUsername(username) }));
    const { userId } = await users.get({ username });
    expect(await users.update(userId, { roles: ['ops'] }, ADMIN_ACTOR)).toMatchObject({
      username,
      roles: ['ops'],
    });
    expect(await users.update(userId, { username: 'ada' }, ADMIN_ACTOR)).toMatchObject({
      userId,
      username: 'ada',
    });
  });
});

describe('the first user', () => {
  test('is an admin with a strong password that is shown once', async () => {
    const first = await users.bootstrap({ username: 'admin' });
    expect(first?.user.roles).toEqual(['admin']);
    expect(first?.generatedPassword).toMatch(/^([0-9a-hjkmnp-tv-z]{5}-){4}[0-9a-hjkmnp-tv-z]{5}$/);
    expect(first?.user.passwordHash).toBe(`hash of ${first?.generatedPassword}`);
    expect(await users.bootstrap({ username: 'admin' })).toBeUndefined();
  });

  test('has the configured password, which is not shown', async () => {
    const first = await users.bootstrap({ username: 'root', password: PASSWORD });
    expect(first).toMatchObject({
      generatedPassword: undefined,
      user: { passwordHash: `hash of ${PASSWORD}` },
    });
  });

  test('is not created if there is any user, even a disabled one', async () => {
    await directory.insert(aUser(1, { disabledAt: 1 }));
    expect(await users.bootstrap({ username: 'admin' })).toBeUndefined();
  });

  test('is created once by concurrent starts', async () => {
    const starts = await Promise.all([1, 2, 3].map(() => users.bootstrap({ username: 'admin' })));
    expect(starts.filter((first) => first !== undefined)).toHaveLength(1);
    expect((await users.list(10)).users).toHaveLength(1);
  });

  test('with a weak password or a bad name is refused', async () => {
    const { violations } = await failureOf(users.bootstrap({ username: 'a b', password: 'password' }));
    expect(violations.map(({ field }) => field)).toEqual(['username', 'password']);
  });
});

describe('changing a user', () => {
  beforeEach(() => directory.insert(aUser(1, { username: 'ada', roles: ['admin'] })));

  test('renames and gives roles, and ends no sessions', async () => {
    clock.advance(5);
    const changed = await users.update(
      userIdOf(1),
      { username: 'Grace', roles: ['admin', 'x', 'x'] },
      ADMIN_ACTOR,
    );
    expect(changed).toMatchObject({ username: 'Grace', usernameKey: 'grace', roles: ['admin', 'x'] });
    expect(changed).toMatchObject({ updatedAt: clock.now(), version: 2, securityVersion: 1 });
    expect(ender.noted).toEqual([]);
  });

  test('sets a device policy and removes it, and ends no sessions', async () => {
    const one = { kind: 'one', atLimit: 'refuse' } as const;
    const changed = await users.update(userIdOf(1), { devicePolicy: one }, ADMIN_ACTOR);
    expect(changed.devicePolicy).toEqual(one);
    const removed = await users.update(userIdOf(1), { devicePolicy: null }, ADMIN_ACTOR);
    expect(removed.devicePolicy).toBeUndefined();
    expect(ender.noted).toEqual([]);
    const none = { kind: 'limit', maxSessions: 0, atLimit: 'replace' } as const;
    const refused = await failureOf(users.update(userIdOf(1), { devicePolicy: none }, ADMIN_ACTOR));
    expect(refused.violations.map(({ field }) => field)).toEqual(['device_policy.max_sessions']);
  });

  test('refuses a change of an outdated version', async () => {
    await users.update(userIdOf(1), { username: 'grace' }, ADMIN_ACTOR, 1);
    const stale = await failureOf(users.update(userIdOf(1), { username: 'alan' }, ADMIN_ACTOR, 1));
    expect([stale.reason, stale.metadata]).toEqual(['USER_CHANGED', { etag: '2' }]);
  });

  test('refuses to remove the role of the last admin', async () => {
    expect((await failureOf(users.update(userIdOf(1), { roles: [] }, ADMIN_ACTOR))).reason).toBe(
      'LAST_ADMIN',
    );
  });

  test('checks every given field', async () => {
    const { violations } = await failureOf(
      users.update(userIdOf(1), { username: '', roles: [''] }, ADMIN_ACTOR),
    );
    expect(violations.map(({ field }) => field)).toEqual(['username', 'roles[0]']);
  });
});

describe('setting a password', () => {
  beforeEach(() => directory.insert(aUser(1)));

  test('stores it first and then ends the sessions that used the old one', async () => {
    clock.advance(7);
    ender.meanwhile = async () => {
      expect((await directory.findById(userIdOf(1)))?.passwordHash).toBe(`hash of ${PASSWORD}`);
    };
    const { user, revision } = await users.setPassword(userIdOf(1), PASSWORD, ADMIN_ACTOR);
    expect(user).toMatchObject({ passwordChangedAt: clock.now(), securityVersion: 2 });
    expect(revision).toBe('1');
    expect(ender.noted).toEqual(['PASSWORD_CHANGED 01 v2']);
  });

  test('refuses a weak one before anything else, and refuses a missing user', async () => {
    expect((await failureOf(users.setPassword(userIdOf(1), 'short', ADMIN_ACTOR))).reason).toBe(
      'INVALID_FIELD',
    );
    expect((await failureOf(users.setPassword(userIdOf(9), PASSWORD, ADMIN_ACTOR))).reason).toBe(
      'USER_NOT_FOUND',
    );
    expect(ender.noted).toEqual([]);
  });

  test('can be repeated if the end is not confirmed', async () => {
    ender.failures = 1;
    expect((await failureOf(users.setPassword(userIdOf(1), PASSWORD, ADMIN_ACTOR))).reason).toBe(
      'END_UNCONFIRMED',
    );
    await users.setPassword(userIdOf(1), PASSWORD, ADMIN_ACTOR);
    expect(ender.noted).toEqual(['PASSWORD_CHANGED 01 v3']);
  });
});

describe('disabling and enabling', () => {
  beforeEach(async () => {
    await directory.insert(aUser(1, { roles: ['admin'] }));
    await directory.insert(aUser(2));
  });

  test('disables first and then ends the sessions', async () => {
    ender.meanwhile = async () => {
      expect((await directory.findById(userIdOf(2)))?.disabledAt).toBe(clock.now());
    };
    const { user, revision } = await users.disable(userIdOf(2), ADMIN_ACTOR);
    expect([user.disabledAt, revision]).toEqual([clock.now(), '1']);
    expect(ender.noted).toEqual(['USER_DISABLED 02 v2']);
  });

  test('ends the sessions again if it is repeated, and keeps the time of the first call', async () => {
    const since = clock.now();
    ender.failures = 1;
    expect((await failureOf(users.disable(userIdOf(2), ADMIN_ACTOR))).reason).toBe('END_UNCONFIRMED');
    clock.advance(1000);
    expect((await users.disable(userIdOf(2), ADMIN_ACTOR)).user.disabledAt).toBe(since);
    await users.disable(userIdOf(2), ADMIN_ACTOR);
    expect(ender.noted).toEqual(['USER_DISABLED 02 v3', 'USER_DISABLED 02 v4']);
  });

  test('refuses to disable the last admin, whose sessions stay live', async () => {
    expect((await failureOf(users.disable(userIdOf(1), ADMIN_ACTOR))).reason).toBe('LAST_ADMIN');
    expect(ender.noted).toEqual([]);
  });

  test('enables once, and restores no session', async () => {
    await users.disable(userIdOf(2), ADMIN_ACTOR);
    expect(await users.enable(userIdOf(2), ADMIN_ACTOR)).toMatchObject({ disabledAt: undefined, version: 3 });
    expect(await users.enable(userIdOf(2), ADMIN_ACTOR)).toMatchObject({ version: 3, securityVersion: 2 });
  });

  test('is USER_NOT_FOUND for a missing user', async () => {
    for (const act of [
      users.disable(userIdOf(9), ADMIN_ACTOR),
      users.enable(userIdOf(9), ADMIN_ACTOR),
      users.delete(userIdOf(9), ADMIN_ACTOR),
    ]) {
      expect((await failureOf(act)).reason).toBe('USER_NOT_FOUND');
    }
  });
});

describe('deleting', () => {
  beforeEach(async () => {
    await directory.insert(aUser(1, { roles: ['admin'] }));
    await directory.insert(aUser(2));
  });

  test('disables, ends the sessions, and only then removes the record', async () => {
    ender.meanwhile = async () => {
      expect(await directory.findById(userIdOf(2))).toMatchObject({ disabledAt: clock.now() });
    };
    expect(await users.delete(userIdOf(2), ADMIN_ACTOR)).toEqual({ revision: '1' });
    expect(ender.noted).toEqual(['USER_DELETED 02 v2']);
    expect((await failureOf(users.get({ userId: userIdOf(2) }))).reason).toBe('USER_NOT_FOUND');
  });

  test('leaves a disabled user that can be deleted again if the end is not confirmed', async () => {
    ender.failures = 1;
    expect((await failureOf(users.delete(userIdOf(2), ADMIN_ACTOR))).reason).toBe('END_UNCONFIRMED');
    expect((await users.get({ userId: userIdOf(2) })).disabledAt).toBe(clock.now());
    await users.delete(userIdOf(2), ADMIN_ACTOR);
    expect(ender.noted).toEqual(['USER_DELETED 02 v3']);
  });

  test('starts over if the user is enabled concurrently, whose new sessions end too', async () => {
    ender.meanwhile = async () => {
      if (ender.noted.length === 0) await directory.update(userIdOf(2), { disabledAt: null }, clock.now());
    };
    await users.delete(userIdOf(2), ADMIN_ACTOR);
    expect(ender.noted).toEqual(['USER_DELETED 02 v2', 'USER_DELETED 02 v3']);
    expect(await directory.findById(userIdOf(2))).toBeUndefined();
  });

  test('fails with USER_CHANGED and keeps the record if the user is changed all the time', async () => {
    ender.meanwhile = () => directory.update(userIdOf(2), { disabledAt: null }, clock.now());
    expect((await failureOf(users.delete(userIdOf(2), ADMIN_ACTOR))).reason).toBe('USER_CHANGED');
    expect(ender.noted).toHaveLength(3);
    expect(await directory.findById(userIdOf(2))).toBeDefined();
  });

  test('refuses to delete the last admin', async () => {
    expect((await failureOf(users.delete(userIdOf(1), ADMIN_ACTOR))).reason).toBe('LAST_ADMIN');
    expect(ender.noted).toEqual([]);
  });
});
