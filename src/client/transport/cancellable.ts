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
