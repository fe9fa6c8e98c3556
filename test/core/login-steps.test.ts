import { describe, expect, test } from '@jest/globals';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';
import { deviceTokens } from '../support/attempts.ts';
import { outcomeOf } from '../support/failing.ts';
import { ATTEMPT, COST, LoginStage, type LoginStageOptions } from '../support/login-stage.ts';
import { ids } from '../support/sessions.ts';

const BEFORE_THE_ANSWER = [
  ...['find the user', 'check the store', 'check the store', 'count the attempt', 'check the password'],
];

const down = async (): Promise<never> => {
  throw storeUnavailable('sessions', new Error('down'));
};

function tokenOfAnother(): string {
  return deviceTokens().tokenFor(ids.next(1), undefined);
}

interface BadLogin {
  readonly change?: Partial<typeof ATTEMPT>;
  readonly options?: LoginStageOptions;
}

const bad: Readonly<Record<string, BadLogin>> = {
  'an unknown user': { change: { username: 'Bob' } },
  'a wrong password': { change: { password: 'not this one' } },
  'an empty password': { change: { password: '' } },
  'an over-long password': { change: { password: 'x'.repeat(1_025) } },
  'a known device of another user': { change: { username: 'Bob', deviceToken: tokenOfAnother() } },
  'a disabled user': { options: { disabledAt: 1 } },
  'a disabled user with an old hash': { options: { disabledAt: 1, storedAtCost: COST - 2 } },
};

describe('a login of', () => {
  test('the right user with the right password opens a session after all checks', async () => {
    const { service, steps } = await LoginStage.set();
    await service.login(ATTEMPT);
    expect(steps).toEqual([...BEFORE_THE_ANSWER, 'assess', 'open', 'give the attempt back']);
  });

  test('the right user at the session limit no longer counts as failed while it waits for room', async () => {
    const stage = await LoginStage.set();
    const makeRoom = async () => {
      stage.steps.push('make room');
      return down();
    };
    stage.open = async () => ({ kind: 'room-needed', makeRoom });
    expect(await outcomeOf(stage.service.login(ATTEMPT))).toBe('STORE_UNAVAILABLE');
    expect(stage.steps.slice(-3)).toEqual(['open', 'give the attempt back', 'make room']);
  });

  describe.each(Object.entries(bad))('%s', (_, { change, options }) => {
    test('takes the same steps and is refused at the last one', async () => {
      const { service, steps } = await LoginStage.set(options);
      expect(await outcomeOf(service.login({ ...ATTEMPT, ...change }))).toBe('INVALID_CREDENTIALS');
      expect(steps).toEqual([...BEFORE_THE_ANSWER, 'refuse']);
    });

    test('is UNAVAILABLE if the store fails during the check', async () => {
      const stage = await LoginStage.set(options);
      stage.refuse = down;
      expect(await outcomeOf(stage.service.login({ ...ATTEMPT, ...change }))).toBe('STORE_UNAVAILABLE');
    });
  });
});

describe('an attempt', () => {
  test('that is refused by a limit costs no password check', async () => {
    const stage = await LoginStage.set();
    stage.reserve = async () => {
      throw new Failure('TOO_MANY_ATTEMPTS', 'later', { retryAfterMs: 2_000 });
    };
    for (const username of ['Alice', 'Bob']) {
      const refused = stage.service.login({ ...ATTEMPT, username });
      await expect(refused).rejects.toMatchObject({ reason: 'TOO_MANY_ATTEMPTS', retryAfterMs: 2_000 });
    }
    expect(stage.hasher.jobs).toEqual([]);
    expect(stage.events.of('SignInFailed')).toMatchObject([
      { reason: 'TOO_MANY_ATTEMPTS', userId: stage.alice.userId },
      { reason: 'TOO_MANY_ATTEMPTS', userId: undefined },
    ]);
  });

  test.each(['Alice', 'Bob'])('that cannot be counted is UNAVAILABLE, unchecked: %s', async (username) => {
    const stage = await LoginStage.set();
    stage.reserve = down;
    expect(await outcomeOf(stage.service.login({ ...ATTEMPT, username }))).toBe('STORE_UNAVAILABLE');
    expect(stage.hasher.jobs).toEqual([]);
  });

  test.each([
    ['END_UNCONFIRMED', ['open', 'give the attempt back']],
    ['INVALID_CREDENTIALS', ['open']],
    ['STORE_UNAVAILABLE', ['open']],
  ] as const)(
    'with the right password, where the session fails with %s, ends with %p',
    async (reason, steps) => {
      const stage = await LoginStage.set();
      stage.open = async () => {
        throw new Failure(reason, 'not opened');
      };
      expect(await outcomeOf(stage.service.login(ATTEMPT))).toBe(reason);
      expect(stage.steps).toEqual([...BEFORE_THE_ANSWER, 'assess', ...steps]);
    },
  );

  test.each([
    ['SIGN_IN_RISK', 'SignInRefused', ['give the attempt back']],
    ['STORE_UNAVAILABLE', 'SignInFailed', []],
  ] as const)(
    'with the right password that the assessment ends with %s is the event %s',
    async (reason, kind, steps) => {
      const stage = await LoginStage.set();
      stage.assess = async () => {
        throw new Failure(reason, 'too unusual');
      };
      expect(await outcomeOf(stage.service.login(ATTEMPT))).toBe(reason);
      expect(stage.steps).toEqual([...BEFORE_THE_ANSWER, 'assess', ...steps]);
      expect(stage.events.all).toMatchObject([{ kind, reason, userId: stage.alice.userId }]);
    },
  );
});

describe('a login while the session store is away', () => {
  test.each(['Alice', 'Bob'])('is UNAVAILABLE at once, before it waits: %s', async (username) => {
    const stage = await LoginStage.set({ capacity: 1 });
    const running = stage.queue.take();
    stage.checkStore = down;
    const login = stage.service.login({ ...ATTEMPT, username });
    expect(await outcomeOf(login)).toBe('STORE_UNAVAILABLE');
    expect(stage.queue.waiting).toBe(0);
    running.leave();
  });

  test('is UNAVAILABLE at its turn, if the store failed while it waited', async () => {
    const stage = await LoginStage.set({ capacity: 1 });
    const running = stage.queue.take();
    const login = outcomeOf(stage.service.login(ATTEMPT));
    await new Promise((resolve) => setImmediate(resolve));
    stage.checkStore = down;
    running.leave();
    expect(await login).toBe('STORE_UNAVAILABLE');
    expect(stage.hasher.jobs).toEqual([]);
    await expect(stage.queue.run(undefined, async () => 'next')).resolves.toBe('next');
  });
});
