import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { SignedInResult } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import { outcomeOf } from '../support/failing.ts';
import { NEW, OLD, PasswordWorld, type RunStep } from '../support/password-world.ts';

let passwords: PasswordWorld;
let user: User;
let kept: SignedInResult;
let other: SignedInResult;
let steps: { run: RunStep };

beforeEach(async () => {
  steps = { run: (_, work) => work() };
  passwords = await PasswordWorld.open({}, steps);
  user = await passwords.addUser();
  kept = await passwords.signIn(user, OLD);
  other = await passwords.signIn(user, OLD);
});

afterEach(() => passwords.close());

const refresh = ({ tokens }: SignedInResult) => passwords.world.refresh(tokens.refreshToken);
const lost = () => storeUnavailable('sessions', new Error('lost'));

/** Fails one step: before it is made, or with its answer lost. Then calls once more. */
function failOnce(failing: string, isMade: boolean): void {
  steps.run = async (name, work) => {
    if (name !== failing) return work();
    steps.run = (_, next) => next();
    if (isMade) await work();
    throw lost();
  };
}

describe.each([
  ['update', 'is not made', false],
  ['update', 'is made and its answer is lost', true],
  ['endOutdated', 'is not made', false],
  ['endOutdated', 'is made and its answer is lost', true],
  ['append', 'is not made', false],
  ['append', 'is made and its answer is lost', true],
] as const)('a change of the password whose step %s %s', (failing, _how, isMade) => {
  beforeEach(async () => {
    failOnce(failing, isMade);
    expect(await outcomeOf(passwords.change(kept.session))).toBe('STORE_UNAVAILABLE');
  });

  test('is completed by a repeat with the same passwords', async () => {
    const { revision } = await passwords.change(kept.session);
    expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
    expect(await passwords.verdict(other.tokens.accessToken, revision)).toBe('PASSWORD_CHANGED');
    expect(await outcomeOf(refresh(kept))).toBe('ok');
    expect(await outcomeOf(refresh(other))).toBe('SESSION_ENDED');
    expect(passwords.world.events.of('SessionEnded')).toMatchObject([
      { sessionId: other.session.sessionId, reason: 'PASSWORD_CHANGED' },
    ]);
  });

  test('ends not the session of the caller, who refreshes it before the repeat', async () => {
    expect(await outcomeOf(refresh(kept))).toBe('ok');
    expect(await outcomeOf(passwords.change(kept.session))).toBe('ok');
    expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
  });

  test('ends no session by its repeat that signed in with the new password', async () => {
    const current = await passwords.signIn(user, NEW).catch(() => undefined);
    expect(await outcomeOf(passwords.change(kept.session))).toBe('ok');
    const expected = current === undefined ? [kept] : [current, kept];
    const living = new Set(await passwords.living(user));
    expect(living).toEqual(new Set(expected.map(({ session }) => session.sessionId)));
  });

  test('is completed by no other session, and by no other passwords', async () => {
    const isStored = failing !== 'update' || isMade;
    expect(await outcomeOf(passwords.change(other.session, { currentPassword: 'wrong' }))).toBe(
      isStored ? 'CALLER_UNAUTHENTICATED' : 'INVALID_CREDENTIALS',
    );
    const wrong = { currentPassword: 'wrong', newPassword: 'neither is this' };
    expect(await outcomeOf(passwords.change(kept.session, wrong))).toBe('INVALID_CREDENTIALS');
  });
});

test('a change that is repeated again and again counts no failed attempt', async () => {
  for (let times = 0; times < 60; times += 1) {
    expect(await outcomeOf(passwords.change(kept.session))).toBe('ok');
  }
});

test('a session that changed the password before gets no more than 100 guesses in a row', async () => {
  await passwords.change(kept.session);
  passwords.hasher.jobs.length = 0;
  const guesses = Array.from({ length: 100 }, (_, guess) =>
    outcomeOf(
      passwords.change(kept.session, { currentPassword: `a ${guess}`, newPassword: `guess ${guess}` }),
    ),
  );
  await Promise.all(guesses);
  // Each of the 50 attempts without a delay compares both passwords.
  expect(passwords.hasher.jobs).toHaveLength(100);
});

test('a change of the password can be completed by a repeat after many failed guesses', async () => {
  failOnce('endOutdated', false);
  expect(await outcomeOf(passwords.change(kept.session))).toBe('STORE_UNAVAILABLE');
  for (let guess = 0; guess < 60; guess += 1) {
    await outcomeOf(passwords.signIn(user, 'a guess'));
  }
  passwords.world.clock.advance(60_000);
  expect(await outcomeOf(passwords.change(kept.session))).toBe('ok');
  expect(await passwords.living(user)).toEqual([kept.session.sessionId]);
});
