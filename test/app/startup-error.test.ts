import { describe, expect, test } from '@jest/globals';
import { naming } from '../../src/app/startup-error.ts';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';

/** What a person is told of a start that met this error. */
function told(error: unknown): Promise<unknown> {
  const step = () => Promise.reject(error);
  return naming('LATCHKEY_DATABASE_URL', step, (reason) => `away: ${reason}. Look there.`).catch(
    (fault) => fault,
  );
}

describe('a fault at start', () => {
  test('is told by the variable, the words of the driver and what to do, and keeps its cause', async () => {
    const cause = new Error('connect ECONNREFUSED');
    expect(await told(cause)).toMatchObject({
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
  ])('is told in the words of whoever knows: %s', async (_what, error) => {
    expect(await told(error)).toMatchObject({
      message: 'LATCHKEY_DATABASE_URL: away: no such user. Look there.',
    });
  });

  test('of the system below it is told too', async () => {
    const cause = Object.assign(new Error('EACCES: permission denied'), { syscall: 'open' });
    expect(await told(new Failure('INTERNAL', 'The key cannot be made.', { cause }))).toMatchObject({
      message: 'LATCHKEY_DATABASE_URL: away: The key cannot be made: EACCES: permission denied. Look there.',
    });
  });

  test('keeps the variable that a step within has named', async () => {
    const inner = await told(new Error('inner'));
    await expect(
      naming(
        'LATCHKEY_LISTEN',
        () => Promise.reject(inner),
        () => 'outer',
      ),
    ).rejects.toBe(inner);
  });
});
