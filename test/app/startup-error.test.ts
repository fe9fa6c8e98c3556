import { describe, expect, test } from '@jest/globals';
import { startupStep } from '../../src/app/startup-error.ts';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';

/** The error of a start step that throws this error. */
function startupErrorOf(error: unknown): Promise<unknown> {
  const step = () => Promise.reject(error);
  return startupStep('LATCHKEY_DATABASE_URL', step, (reason) => `away: ${reason}. Look there.`).catch(
    (fault) => fault,
  );
}

describe('an error at start', () => {
  test("names the variable, the driver's message and the remedy, and keeps its cause", async () => {
    const cause = new Error('connect ECONNREFUSED');
    expect(await startupErrorOf(cause)).toMatchObject({
      message: 'LATCHKEY_DATABASE_URL: away: connect ECONNREFUSED. Look there.',
      cause,
    });
  });

  test.each([
    ['a store that did not answer', storeUnavailable('users', new Error('no such user'))],
    [
      'an error of several addresses',
      new AggregateError([new Error('no such user'), new Error('other')], ''),
    ],
    ['both', storeUnavailable('users', new AggregateError([new Error('no such user')], ''))],
    ['a sentence', new Failure('INTERNAL', 'no such user.')],
    ['something that is no error', 'no such user'],
  ])('has the most specific message: %s', async (_what, error) => {
    expect(await startupErrorOf(error)).toMatchObject({
      message: 'LATCHKEY_DATABASE_URL: away: no such user. Look there.',
    });
  });

  test('includes the message of a system error that caused it', async () => {
    const cause = Object.assign(new Error('EACCES: permission denied'), { syscall: 'open' });
    expect(await startupErrorOf(new Failure('INTERNAL', 'The key cannot be made.', { cause }))).toMatchObject(
      {
        message:
          'LATCHKEY_DATABASE_URL: away: The key cannot be made: EACCES: permission denied. Look there.',
      },
    );
  });

  test('keeps the variable that an inner step has named', async () => {
    const inner = await startupErrorOf(new Error('inner'));
    await expect(
      startupStep(
        'LATCHKEY_LISTEN',
        () => Promise.reject(inner),
        () => 'outer',
      ),
    ).rejects.toBe(inner);
  });
});
