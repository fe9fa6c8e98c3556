import { Failure, type StoreName, storeUnavailable } from '../../core/failure.ts';

/** How long a store may take for an answer, waiting for a connection and all statements included; milliseconds. */
export const ANSWER_WITHIN_MS = 900;

/**
 * Answers what the work answers, or fails in time. Every fault of the driver leaves as STORE_UNAVAILABLE. Work that
 * is late goes on until its connection gives up; nobody waits for it any more.
 */
export async function answerInTime<T>(store: StoreName, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`));
    timer = setTimeout(giveUp, ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw error instanceof Failure ? error : storeUnavailable(store, error);
  } finally {
    clearTimeout(timer);
  }
}
