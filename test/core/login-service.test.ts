import { describe, expect, test } from '@jest/globals';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';
import { invalidCredentials } from '../../src/core/user/user-failures.ts';
import { outcomeOf } from '../support/failing.ts';
import { ATTEMPT, COST, LoginStage, OPENED, PASSWORD } from '../support/login-stage.ts';

describe('a login', () => {
  test('with the right password opens a session for the record that was read', async () => {
    const { service, alice, opened, updates } = await LoginStage.set();
    expect(await service.login(ATTEMPT)).toMatchObject(OPENED);
    const { clientId, device, ipAddress, labels } = ATTEMPT;
    expect(opened).toEqual([
      {
        user: alice,
        signIn: {
          clientId,
          device,
          ipAddress,
          labels,
          isNewDevice: false,
          lifetimeMs: undefined,
          authenticationMethods: ['pwd'],
        },
        endSessionId: '',
      },
    ]);
    expect(updates).toEqual([]);
  });

  test('at the session limit is no failed attempt, and its password is rehashed all the same', async () => {
    const stage = await LoginStage.set({ storedAtCost: 4 });
    const { service, events, opened, updates } = stage;
    const limited = { kind: 'session-limit' as const, sessions: [] };
    stage.open = async () => limited;
    expect(await service.login({ ...ATTEMPT, endSessionId: 'the-old-phone' })).toBe(limited);
    expect(opened).toMatchObject([{ endSessionId: 'the-old-phone' }]);
    expect(events.of('SignInFailed')).toEqual([]);
    expect(updates).toHaveLength(1);
  });

  test('finds the user by the canonical username', async () => {
    const { service, asked } = await LoginStage.set();
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
  ])('is refused with the same error after the same work: %s', async (_, change) => {
    const { service, hasher, opened } = await LoginStage.set();
    await expect(service.login({ ...ATTEMPT, ...change })).rejects.toEqual(invalidCredentials());
    expect(hasher.jobs).toEqual([expect.objectContaining({ kind: 'verify', targetCost: COST })]);
    expect(opened).toEqual([]);
  });

  test('of a disabled user is refused in the same way, even with the right password and an outdated hash', async () => {
    const { service, alice, hasher, opened, updates } = await LoginStage.set({
      disabledAt: 5,
      storedAtCost: 4,
    });
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(hasher.jobs).toEqual([
      expect.objectContaining({ kind: 'verify', hash: alice.passwordHash.slice('$lk1$00000000'.length) }),
    ]);
    expect(opened).toEqual([]);
    expect(updates).toEqual([]);
  });

  test('does not query the directory for an impossible username', async () => {
    const { service, asked } = await LoginStage.set();
    for (const username of ['', 'x'.repeat(129), 'alice\ud800']) {
      await expect(service.login({ ...ATTEMPT, username })).rejects.toEqual(invalidCredentials());
    }
    expect(asked).toEqual([]);
  });

  test('is refused if the user was changed during the check', async () => {
    const stage = await LoginStage.set();
    const { service } = stage;
    stage.open = async () => {
      throw invalidCredentials();
    };
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
  });

  test('fails like the directory, before any password is checked', async () => {
    const stage = await LoginStage.set();
    const { service, hasher } = stage;
    stage.find = async () => {
      throw new Failure('STORE_UNAVAILABLE', 'down');
    };
    await expect(service.login(ATTEMPT)).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
    expect(hasher.jobs).toEqual([]);
  });

  test.each(['Alice', 'Bob'])(
    'fails at once if the queue is full, and does not look up the user: %s',
    async (username) => {
      const { service, queue, asked, hasher } = await LoginStage.set();
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
    'that loses its place to another source looks up the user, but checks no password: %s',
    async (username) => {
      const { service, queue, asked, hasher } = await LoginStage.set({ capacity: 2 });
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

  test('with a damaged stored password is refused like any other, and is reported to the operator', async () => {
    const stage = await LoginStage.set();
    const { service, alice, events } = stage;
    stage.find = async () => ({ ...alice, passwordHash: 'damaged' });
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(events.of('PasswordUnreadable')).toMatchObject([{ userId: alice.userId }]);
  });
});

describe('a login with an outdated hash', () => {
  test('rehashes the password, if the record has not changed', async () => {
    const { service, alice, clock, opened, updates } = await LoginStage.set({ storedAtCost: 4 });
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

  test('stores nothing if the session was refused', async () => {
    const stage = await LoginStage.set({ storedAtCost: 4 });
    const { service, updates } = stage;
    stage.open = async () => {
      throw invalidCredentials();
    };
    await expect(service.login(ATTEMPT)).rejects.toEqual(invalidCredentials());
    expect(updates).toEqual([]);
  });

  test('stores nothing after a wrong password', async () => {
    const { service, hasher, updates } = await LoginStage.set({ storedAtCost: 4 });
    await expect(service.login({ ...ATTEMPT, password: 'wrong' })).rejects.toEqual(invalidCredentials());
    expect(updates).toEqual([]);
    expect(hasher.jobs).toHaveLength(1);
  });

  test('succeeds if the password was changed in the meantime, and reports nothing', async () => {
    const stage = await LoginStage.set({ storedAtCost: 4 });
    const { service, events } = stage;
    stage.update = async () => {
      throw new Failure('USER_CHANGED', 'changed');
    };
    expect(await service.login(ATTEMPT)).toMatchObject(OPENED);
    expect(events.of('PasswordRehashFailed')).toEqual([]);
  });

  test('succeeds if the directory fails, and reports that to the operator', async () => {
    const stage = await LoginStage.set({ storedAtCost: 4 });
    const { service, alice, events } = stage;
    stage.update = async () => {
      throw new Failure('STORE_UNAVAILABLE', 'down');
    };
    expect(await service.login(ATTEMPT)).toMatchObject(OPENED);
    expect(events.of('PasswordRehashFailed')).toMatchObject([{ userId: alice.userId }]);
  });

  test('succeeds if the queue is full by then', async () => {
    const stage = await LoginStage.set({ storedAtCost: 4 });
    const { service, queue, events } = stage;
    stage.open = async () => {
      queue.take();
      return OPENED;
    };
    expect(await service.login(ATTEMPT)).toMatchObject(OPENED);
    expect(events.of('PasswordRehashFailed')).toEqual([]);
  });
});

describe('a failed sign-in', () => {
  test('is published with its reason and origin, and with the user only if it exists', async () => {
    const { service, alice, events } = await LoginStage.set();
    const wrong = { password: 'wrong', username: 'Alice' };
    await expect(service.login({ ...ATTEMPT, ...wrong })).rejects.toThrow();
    await expect(service.login({ ...ATTEMPT, username: 'my secret password' })).rejects.toThrow();
    const origin = { ipAddress: '192.0.2.1', clientId: 'web' };
    const common = { actor: { kind: 'credentials' }, reason: 'INVALID_CREDENTIALS', origin };
    expect(events.of('SignInFailed')).toEqual([
      expect.objectContaining({ ...common, userId: alice.userId }),
      expect.objectContaining({ ...common, userId: undefined }),
    ]);
    expect(JSON.stringify(events.all)).not.toContain('secret');
  });

  test('is published even if a store is unavailable', async () => {
    const stage = await LoginStage.set();
    stage.find = async () => {
      throw storeUnavailable('users', new Error('gone'));
    };
    await expect(stage.service.login(ATTEMPT)).rejects.toThrow();
    expect(stage.events.of('SignInFailed')).toMatchObject([{ reason: 'STORE_UNAVAILABLE' }]);
  });
});
