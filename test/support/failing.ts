import { Failure } from '../../src/core/failure.ts';

/** The failure that the work ends with. Fails if it ends otherwise. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<Failure> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The reason that the work fails with; `ok` if it does not. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof Failure) return error.reason;
    throw error;
  }
}
