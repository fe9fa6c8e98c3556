import { describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import { outcomeOf } from '../support/failing.ts';
import { ATTEMPT, COST, LoginStage, type LoginStageOptions } from '../support/login-stage.ts';

const BEFORE_THE_ANSWER = ['find the user', 'check the store', 'check the store', 'check the password'];

const down = async (): Promise<never> => {
  throw storeUnavailable('sessions', new Error('down'));
};

interface BadLogin {
  readonly change?: Partial<typeof ATTEMPT>;
  readonly options?: LoginStageOptions;
}

const bad: Readonly<Record<string, BadLogin>> = {
  'an unknown user': { change: { username: 'Bob' } },
  'a wrong password': { change: { password: 'not this one' } },
  'an empty password': { change: { password: '' } },
  'a disabled user': { options: { disabledAt: 1 } },
  'a disabled user with an old hash': { options: { disabledAt: 1, storedAtCost: COST - 2 } },
};

describe('a login of', () => {
  test('the right user with the right password opens a session after all checks', async () => {
    const { service, steps } = await LoginStage.set();
    await service.login(ATTEMPT);
    expect(steps).toEqual([...BEFORE_THE_ANSWER, 'open']);
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
