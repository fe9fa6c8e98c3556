import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { SignedInResult } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { callerOf, NEW, OLD, PasswordWorld, type RunStep } from '../support/password-world.ts';
import { aSession, atMost, MINUTE } from '../support/sessions.ts';

let passwords: PasswordWorld;
let user: User;
let kept: SignedInResult;
let other: SignedInResult;
/** What runs the steps of the stores. */
let steps: { run: RunStep };

beforeEach(async () => {
  steps = { run: (_, work) => work() };
  passwords = await PasswordWorld.open({}, steps);
  user = await passwords.addUser();
  kept = await passwords.signIn(user, OLD);
  other = await passwords.signIn(user, OLD);
  passwords.hasher.jobs.length = 0;
});

afterEach(() => passwords.close());

const change = (given: Parameters<PasswordWorld['change']>[1] = {}) => passwords.change(kept.session, given);
const refresh = ({ tokens }: SignedInResult) => passwords.world.refresh(tokens.refreshToken);
const down = async (): Promise<never> => {
  throw storeUnavailable('sessions', new Error('down'));
};

describe('a change of the password', () => {
  test('ends the other sessions and keeps that of the caller', async () => {
    const stranger = await passwords.signIn(await passwords.addUser(), OLD);
    const { count, revision } = await change();
    expect(count).toBe(1);
    expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
    expect(await passwords.verdict(other.tokens.accessToken, revision)).toBe('PASSWORD_CHANGED');
    expect(await passwords.verdict(kept.tokens.accessToken, revision)).toBe('accepted');
    expect(await passwords.verdict(stranger.tokens.accessToken, revision)).toBe('accepted');
    expect(await outcomeOf(refresh(kept))).toBe('ok');
    await expect(refresh(other)).rejects.toMatchObject({
      ...{ reason: 'SESSION_ENDED', metadata: { end_reason: 'PASSWORD_CHANGED' } },
    });
  });

  test('lets only the new password in', async () => {
    await change();
    expect(await outcomeOf(passwords.signIn(user, OLD))).toBe('INVALID_CREDENTIALS');
    expect(await outcomeOf(passwords.signIn(user, NEW))).toBe('ok');
  });

  test('says who changed what, and which sessions ended', async () => {
    await change();
    const actor = callerOf(kept.session);
    const { userId } = user;
    const { sessionId } = other.session;
    const { events } = passwords.world;
    expect(events.of('UserChanged')).toMatchObject([{ userId, actor, change: 'PASSWORD_CHANGED' }]);
    expect(events.of('SessionEnded')).toMatchObject([
      { userId, sessionId, actor, reason: 'PASSWORD_CHANGED' },
    ]);
    expect(events.of('PasswordChangeFailed')).toEqual([]);
  });

  test('can be made again, in the same session and in another one', async () => {
    await change();
    const another = await passwords.signIn(user, NEW);
    await change({ currentPassword: NEW, newPassword: 'the third of them' });
    expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
    expect(await outcomeOf(refresh(another))).toBe('SESSION_ENDED');
    const last = await passwords.signIn(user, 'the third of them');
    await passwords.change(last.session, { currentPassword: 'the third of them' });
    expect(await passwords.living(user)).toEqual([last.session.sessionId]);
    expect(await outcomeOf(refresh(kept))).toBe('SESSION_ENDED');
  });

  test('goes on where the user is renamed or gets roles at the same time', async () => {
    steps.run = async (name, work) => {
      if (name === 'update') {
        steps.run = (_, other) => other();
        await passwords.users.update(user.userId, { roles: ['reader'] }, 1);
      }
      return work();
    };
    expect(await outcomeOf(change())).toBe('ok');
    expect(await passwords.user(user)).toMatchObject({ roles: ['reader'], securityVersion: 2 });
  });

  test('gives up where the user keeps changing', async () => {
    let isInner = false;
    steps.run = async (name, work) => {
      if (name === 'update' && !isInner) {
        isInner = true;
        await passwords.users.update(user.userId, { roles: ['reader'] }, 1);
        isInner = false;
      }
      return work();
    };
    expect(await outcomeOf(change())).toBe('USER_CHANGED');
    expect(await passwords.user(user)).toMatchObject({ securityVersion: 1 });
  });
});

describe('a wrong current password', () => {
  test('changes and ends nothing', async () => {
    const failed = await failureOf(change({ currentPassword: 'not this one' }));
    expect([failed.reason, failed.message]).toEqual([
      'INVALID_CREDENTIALS',
      'The current password is wrong.',
    ]);
    expect(await passwords.user(user)).toEqual(user);
    expect(await passwords.living(user)).toHaveLength(2);
    const { userId } = user;
    const { sessionId } = kept.session;
    expect(passwords.world.events.of('PasswordChangeFailed')).toMatchObject([
      { userId, sessionId, reason: 'INVALID_CREDENTIALS', origin: { ipAddress: '192.0.2.1' } },
    ]);
  });

  test.each(['', 'x'.repeat(1_025), '\ud800'])(
    'is also one that nobody can have: %j',
    async (currentPassword) => {
      expect(await outcomeOf(change({ currentPassword }))).toBe('INVALID_CREDENTIALS');
      expect(passwords.hasher.jobs).toHaveLength(1);
    },
  );

  test('is counted before it is hashed, so that guesses at the same time cannot pass', async () => {
    const guesses = Array.from({ length: 100 }, (_, guess) =>
      outcomeOf(change({ currentPassword: `guess ${guess}` })),
    );
    const outcomes = await Promise.all(guesses);
    expect(outcomes.filter((outcome) => outcome === 'INVALID_CREDENTIALS')).toHaveLength(50);
    expect(outcomes.filter((outcome) => outcome === 'TOO_MANY_ATTEMPTS')).toHaveLength(50);
    expect(passwords.hasher.jobs).toHaveLength(50);
    const { reason, retryAfterMs } = await failureOf(change());
    expect([reason, retryAfterMs]).toEqual(['TOO_MANY_ATTEMPTS', 1_000]);
  });

  test('counts like a failed sign-in from that address', async () => {
    const network = '192.0.2.1';
    for (let guess = 0; guess < 10; guess += 1) {
      await outcomeOf(change({ currentPassword: `guess ${guess}`, network }));
    }
    expect(await outcomeOf(passwords.signIn(user, OLD, { network }))).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(passwords.signIn(user, OLD, { network: '198.51.100.1' }))).toBe('ok');
  });

  test('counts for its own device alone, whose token stays valid after the change', async () => {
    const { deviceToken } = kept;
    for (let guess = 0; guess < 60; guess += 1) await outcomeOf(passwords.signIn(user, `guess ${guess}`));
    expect(await outcomeOf(change())).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(change({ currentPassword: 'wrong', deviceToken }))).toBe('INVALID_CREDENTIALS');
    expect(await outcomeOf(change({ deviceToken }))).toBe('ok');
    expect(await outcomeOf(passwords.signIn(user, NEW))).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(passwords.signIn(user, NEW, { deviceToken }))).toBe('ok');
  });

  test('with the device token of another user counts for the account', async () => {
    const { deviceToken } = await passwords.signIn(await passwords.addUser(), OLD);
    for (let guess = 0; guess < 60; guess += 1) {
      await outcomeOf(change({ currentPassword: `guess ${guess}`, deviceToken }));
    }
    expect(await outcomeOf(passwords.signIn(user, OLD))).toBe('TOO_MANY_ATTEMPTS');
  });

  test('does not count once it was right', async () => {
    let [currentPassword, newPassword] = [OLD, NEW];
    for (let times = 0; times < 60; times += 1) {
      expect(await outcomeOf(change({ currentPassword, newPassword }))).toBe('ok');
      [currentPassword, newPassword] = [newPassword, currentPassword];
    }
  });
});

describe('a new password', () => {
  test.each([
    ['seven77', 'must have at least 8 characters'],
    ['x'.repeat(257), 'must have at most 256 characters'],
    ['password1', 'is too easy to guess; choose another password, for example a sentence'],
    ['latchkey-ada1', 'is too easy to guess; choose another password, for example a sentence'],
    [OLD, 'must differ from the current password'],
  ])('is refused, naming the field: %s', async (newPassword, description) => {
    const { reason, violations } = await failureOf(change({ newPassword }));
    expect([reason, violations]).toEqual(['INVALID_FIELD', [{ field: 'new_password', description }]]);
    expect(await passwords.user(user)).toEqual(user);
    expect(await passwords.living(user)).toHaveLength(2);
  });

  test('that is the current one in another Unicode form is the current one', async () => {
    const failed = await failureOf(
      change({ currentPassword: 'caf\u00e9 caf\u00e9', newPassword: 'cafe\u0301 cafe\u0301' }),
    );
    expect(failed.message).toContain('must differ');
    expect(passwords.hasher.jobs).toEqual([]);
  });

  test('that is refused is no guess, and is searched for common words only if the current one is right', async () => {
    for (let times = 0; times < 60; times += 1) {
      expect(await outcomeOf(change({ newPassword: 'password1' }))).toBe('INVALID_FIELD');
    }
    const wrong = change({ currentPassword: 'not this one', newPassword: 'password1' });
    expect(await outcomeOf(wrong)).toBe('INVALID_CREDENTIALS');
  });

  test('with a device token of no service is refused, unchecked', async () => {
    const { violations } = await failureOf(change({ deviceToken: 'lkd_forged' }));
    expect(violations).toMatchObject([{ field: 'device_token' }]);
    expect(passwords.hasher.jobs).toEqual([]);
  });
});

describe('a caller whose session has ended', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['by a logout', () => passwords.world.sessions.logoutByRefreshToken(kept.tokens.refreshToken)],
    [
      'with its user disabled',
      () => passwords.users.update(user.userId, { disabledAt: 1, endsSessions: true }, 1),
    ],
    ['with its user deleted', () => passwords.users.delete(user.userId)],
    [
      'by a password that was set, in a store restored from before',
      () => passwords.users.update(user.userId, { endsSessions: true }, 1),
    ],
  ])('%s changes nothing, and no password is looked at', async (_, end) => {
    await end();
    const before = await passwords.user(user);
    expect(await outcomeOf(change())).toBe('CALLER_UNAUTHENTICATED');
    expect(await passwords.user(user)).toEqual(before);
    expect(passwords.hasher.jobs).toEqual([]);
  });

  test('because its deadline has passed changes nothing', async () => {
    const session = aSession(passwords.world.clock.now(), {
      ...{ userId: user.userId, idleDeadline: passwords.world.clock.now() + MINUTE },
    });
    const { clock, store } = passwords.world;
    await store.create({ session, ...atMost(9), tombstoneTtlMs: MINUTE, now: clock.now() });
    clock.advance(MINUTE);
    expect(await outcomeOf(passwords.change(session))).toBe('CALLER_UNAUTHENTICATED');
  });
});

describe('while a store is away', () => {
  test.each(['ping', 'findById', 'read', 'reserve'])(
    'a change is UNAVAILABLE before a password is looked at: %s',
    async (failing) => {
      steps.run = (name, work) => (name === failing ? down() : work());
      expect(await outcomeOf(change())).toBe('STORE_UNAVAILABLE');
      expect(await outcomeOf(change({ currentPassword: 'wrong' }))).toBe('STORE_UNAVAILABLE');
      expect(passwords.hasher.jobs).toEqual([]);
    },
  );

  test('a wrong and a right password get the same answer', async () => {
    let checked = false;
    passwords.hasher.meanwhile = async () => {
      checked = true;
    };
    steps.run = (_, work) => (checked ? down() : work());
    expect(await outcomeOf(change({ currentPassword: 'wrong' }))).toBe('STORE_UNAVAILABLE');
    checked = false;
    expect(await outcomeOf(change())).toBe('STORE_UNAVAILABLE');
  });
});
