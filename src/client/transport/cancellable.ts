import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';

export function cancelledError(): LatchkeyError {
  return new LatchkeyError(status.CANCELLED, 'The call was cancelled.');
}

/** Settles like `work`, or fails with CANCELLED once the signal is aborted. Other callers of `work` are not affected. */
export function cancellable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelledError());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Like `cancellable`, and fails with DEADLINE_EXCEEDED after `withinMs`. For what a call waits for before it is sent.
 *
 * @param late the message of that error.
 */
export async function cancellableWithin<T>(
  work: Promise<T>,
  withinMs: number,
  signal: AbortSignal | undefined,
  late: string,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), Math.max(0, withinMs));
  const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal];
  try {
    return await cancellable(work, AbortSignal.any(signals));
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    throw new LatchkeyError(status.DEADLINE_EXCEEDED, late, { isUnsent: true });
  } finally {
    clearTimeout(timer);
  }
}
