import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';

/** Time limit for one store operation, in milliseconds. Includes the wait for a connection and all statements. */
export const ANSWER_WITHIN_MS = 900;

/** Throws if the time limit has passed: the caller already has an error, so nothing may be committed. */
export type ExpectInTime = () => void;

/**
 * Runs `work` with a time limit. Every driver error becomes STORE_UNAVAILABLE.
 * Late work continues until its connection times out. It must call `expectInTime` before it commits.
 */
export async function answerInTime<T>(
  store: StoreName,
  work: (expectInTime: ExpectInTime) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const late = new Error(`no answer within ${ANSWER_WITHIN_MS} ms`);
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(late);
    }, ANSWER_WITHIN_MS);
  });
  const expectInTime = () => {
    if (isLate) throw late;
  };
  try {
    return await Promise.race([work(expectInTime), timeout]);
  } catch (error) {
    throw error instanceof Failure ? error : storeUnavailable(store, error);
  } finally {
    clearTimeout(timer);
  }
}
