import { Failure, type StoreName, storeUnavailable } from '../core/failure.ts';

/** Throws if the deadline has passed: the caller already has an error, so nothing may be committed. */
export type AssertInTime = () => void;

/**
 * Runs a store operation with a deadline. Every driver error becomes STORE_UNAVAILABLE.
 *
 * A late operation continues until its driver gives up. Only the operation itself can keep it from changing anything.
 *
 * @param deadlineMs milliseconds, including the wait for a connection.
 */
export async function answerInTime<T>(
  store: StoreName,
  deadlineMs: number,
  work: (assertInTime: AssertInTime) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const late = () => new Error(`no answer within ${deadlineMs} ms`);
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(late());
    }, deadlineMs);
  });
  const assertInTime = () => {
    if (isLate) throw late();
  };
  try {
    return await Promise.race([work(assertInTime), timeout]);
  } catch (error) {
    throw error instanceof Failure ? error : storeUnavailable(store, error);
  } finally {
    clearTimeout(timer);
  }
}
