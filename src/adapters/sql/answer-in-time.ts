import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';

/** How long a store may take for an answer, waiting for a connection and all statements included; milliseconds. */
export const ANSWER_WITHIN_MS = 900;

/** Throws if the time is over and the caller has its error. Call it before a commit, which then must not happen. */
export type ExpectInTime = () => void;

/**
 * Answers what the work answers, or fails in time. Every fault of the driver leaves as STORE_UNAVAILABLE. Work that
 * is late goes on until its connection gives up, and commits nothing.
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
