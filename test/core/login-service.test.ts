import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/core/failure.ts';
import { invalidCredentials } from '../../src/core/login/invalid-credentials.ts';
import { type LoginAttempt, LoginService } from '../../src/core/login/login-service.ts';
import { PasswordQueue } from '../../src/core/login/password-queue.ts';
import type { OpenedSession, SignIn } from '../../src/core/session/session-service.ts';
import type { User } from '../../src/core/user/user.ts';
import type { ChangeConditions, UserChange } from '../../src/core/user/user-directory.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { passwordsWith } from '../support/passwords.ts';
import { RecordingHasher } from '../support/recording-hasher.ts';

const COST = 6;
const PASSWORD = 'a horse of another colour';
const OPENED = { replaced: [] } as unknown as OpenedSession;

const ATTEMPT: LoginAttempt = {
  username: 'Alice',
  password: PASSWORD,
  clientId: 'web',
  device: { deviceId: 'd1', name: 'Firefox', platform: 'linux' },
  ipAddress: '192.0.2.1',
  source: { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1' },
};

interface Update {
  readonly userId: string;
  readonly change: UserChange;
  readonly now: number;
  readonly conditions: ChangeConditions | undefined;
}

/** A login service whose neighbours write down what they are asked. */
async function house({
  storedAtCost = COST,
  disabledAt = undefined as number | undefined,
  capacity = 0,
} = {}) {
  const hasher = new RecordingHasher();
  const queue = new PasswordQueue({ turns: 1, capacity, monotonic: () => 0 });
  const passwords = passwordsWith({ hasher, queue, cost: COST });
  const clock = new ManualClock();
  const alice: User = {
    userId: '019b7700-0000-7000-8000-000000000001',
    username: 'Alice',
    usernameKey: 'alice',
    passwordHash: await passwordsWith({ hasher, cost: storedAtCost }).hash(PASSWORD),
    roles: ['admin'],
    disabledAt,
    createdAt: 1,
    updatedAt: 1,
    passwordChangedAt: 1,
    version: 7,
    securityVersion: 3,
  };
  hasher.jobs.length = 0;
  const asked: string[] = [];
  const opened: { user: User; signIn: SignIn }[] = [];
  const updates: Update[] = [];
  const reported: string[] = [];
  const stage = {
    find: async (): Promise<User | undefined> => alice,
    update: async (): Promise<User> => alice,
    open: async (): Promise<OpenedSession> => OPENED,
  };
  const service = new LoginService({
    users: {
      findByUsernameKey: async (key) => {
        asked.push(key);
        return key === 'alice' ? stage.find() : undefined;
      },
      update: async (userId, change, now, conditions) => {
        updates.push({ userId, change, now, conditions });
        return stage.update();
      },
    },
    passwords,
    queue,
    sessions: {
      open: async (user, signIn) => {
        opened.push({ user, signIn });
        return stage.open();
      },
    },
    clock,
    reports: {
      upgradeFailed: (userId) => reported.push(`upgrade of ${userId}`),
      passwordUnreadable: (userId) => reported.push(`password of ${userId}`),
    },
  });
  return { service, alice, hasher, queue, clock, asked, opened, updates, reported, stage };
}

describe('a login', () => {
  test('with the right password opens a session with the record that was read', async () => {
    const { service, alice, opened, updates } = await house();
    expect(await service.login(ATTEMPT)).toBe(OPENED);
    const { clientId, device, ipAddress } = ATTEMPT;
    expect(opened).toEqual([
      { user: alice, signIn: { clientId, device, ipAddress, authenticationMethods: ['pwd'] } },
    ]);
    expect(updates).toEqual([]);
  });

  test('finds the user by the canonical form of the name', async () => {
    const { service, asked } = await house();
    await service.login({ ...ATTEMPT, username: '\uff21LICE' });
    expect(asked).toEqual(['alice']);
  });

  test.each([
    ['an unknown user', { username: 'bob' }],
    ['an empty username', { username: '' }],
    ['an over-long username', { username: 'x'.repeat(129) }],
    ['a username that is over-long in bytes only', { username: '\u20ac'.repeat(43) }],
    ['a username that is not well-formed', { username: 'alice\ud800' }],
    ['a wrong password', { password: 'not this one' }],
    ['an empty password', { password: '' }],
    ['an over-long password', { password: 'x'.repeat(1025) }],
    ['a password that is not well-formed', { password: `${PASSWORD}\ud800` }],
  ])('is refused in one and the same way, after the same work: %s', async (_, change) => {
    const { service, hasher, opened } = await house();
    await expect(service.login({ ...ATTEMPT, ...change })).rejects.toEqual(invalidCredentials());
    expect(hasher.jobs).toEqual([expect.objectContaining({ kind: 'verify', asDearAs: COST })]);
    expect(opened).toEqual([]);
  });

  test('of a disabled user is refused in that way too, with the right password and an outdated hash', async () => {
    const { service, alice, hasher, opened, updates } = await house({ disabledAt: 5, storedAtCost: 4 });
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(hasher.jobs).toEqual([
      expect.objectContaining({ kind: 'verify', hash: alice.passwordHash.slice('$lk1$00000000'.length) }),
    ]);
    expect(opened).toEqual([]);
    expect(updates).toEqual([]);
  });

  test("does not reach the directory with a name that can be nobody's", async () => {
    const { service, asked } = await house();
    for (const username of ['', 'x'.repeat(129), 'alice\ud800']) {
      await expect(service.login({ ...ATTEMPT, username })).rejects.toEqual(invalidCredentials());
    }
    expect(asked).toEqual([]);
  });

  test('is refused when the user was changed under way', async () => {
    const { service, stage } = await house();
    stage.open = async () => {
      throw invalidCredentials();
    };
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
  });

  test('fails as the directory fails, before any password is checked', async () => {
    const { service, stage, hasher } = await house();
    stage.find = async () => {
      throw new Failure('STORE_UNAVAILABLE', 'down');
    };
    await expect(service.login(ATTEMPT)).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
    expect(hasher.jobs).toEqual([]);
  });

  test.each(['Alice', 'Bob'])(
    'fails at once when the queue is full, and does not look for the user: %s',
    async (username) => {
      const { service, queue, asked, hasher } = await house();
      queue.take();
      await expect(service.login({ ...ATTEMPT, username })).rejects.toMatchObject({
        reason: 'LOGIN_QUEUE_FULL',
        retryAfterMs: 250,
      });
      expect(asked).toEqual([]);
      expect(hasher.jobs).toEqual([]);
    },
  );

  test.each(['Alice', 'Bob'])(
    'that loses its place to another source was read as any other, and is not checked: %s',
    async (username) => {
      const { service, queue, asked, hasher } = await house({ capacity: 2 });
      const running = queue.take();
      const logins = [1, 2].map(() => outcomeOf(service.login({ ...ATTEMPT, username })));
      queue.take();
      expect(await logins[1]).toBe('LOGIN_QUEUE_FULL');
      expect(asked).toEqual([username.toLowerCase(), username.toLowerCase()]);
      expect(hasher.jobs).toEqual([]);
      running.leave();
      expect(await logins[0]).toBe(username === 'Alice' ? 'ok' : 'INVALID_CREDENTIALS');
    },
  );

  test('with a damaged stored password is refused like any other, and the operator is told', async () => {
    const { service, stage, alice, reported } = await house();
    stage.find = async () => ({ ...alice, passwordHash: 'damaged' });
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(reported).toEqual([`password of ${alice.userId}`]);
  });
});

describe('a login with an outdated hash', () => {
  test('stores the password anew, if the record is still the one that was read', async () => {
    const { service, alice, clock, opened, updates } = await house({ storedAtCost: 4 });
    await service.login(ATTEMPT);
    expect(updates).toEqual([
      {
        userId: alice.userId,
        change: { passwordHash: expect.stringMatching(/^\$lk1\$[0-9a-f]{8}\$2b\$06\$/) },
        now: clock.now(),
        conditions: { ifVersion: 7 },
      },
    ]);
    expect(opened[0]?.user).toBe(alice);
  });

  test('stores nothing when the session was refused', async () => {
    const { service, stage, updates } = await house({ storedAtCost: 4 });
    stage.open = async () => {
      throw invalidCredentials();
    };
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(updates).toEqual([]);
  });

  test('stores nothing after a wrong password', async () => {
    const { service, hasher, updates } = await house({ storedAtCost: 4 });
    await expect(service.login({ ...ATTEMPT, password: 'wrong' })).rejects.toEqual(invalidCredentials());
    expect(updates).toEqual([]);
    expect(hasher.jobs).toHaveLength(1);
  });

  test('succeeds although the password was changed meanwhile, and says nothing of it', async () => {
    const { service, stage, reported } = await house({ storedAtCost: 4 });
    stage.update = async () => {
      throw new Failure('USER_CHANGED', 'changed');
    };
    expect(await service.login(ATTEMPT)).toBe(OPENED);
    expect(reported).toEqual([]);
  });

  test('succeeds although the directory fails, and the operator is told', async () => {
    const { service, stage, alice, reported } = await house({ storedAtCost: 4 });
    stage.update = async () => {
      throw new Failure('STORE_UNAVAILABLE', 'down');
    };
    expect(await service.login(ATTEMPT)).toBe(OPENED);
    expect(reported).toEqual([`upgrade of ${alice.userId}`]);
  });

  test('succeeds although the queue is full by then', async () => {
    const { service, stage, queue, reported } = await house({ storedAtCost: 4 });
    stage.open = async () => {
      queue.take();
      return OPENED;
    };
    expect(await service.login(ATTEMPT)).toBe(OPENED);
    expect(reported).toEqual([]);
  });
});
