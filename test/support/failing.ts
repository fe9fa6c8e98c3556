import { Failure } from '../../src/core/failure.ts';

/** The failure of the work. Fails if it has another outcome. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<Failure> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The reason of the failure; `ok` if it succeeds. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
}
