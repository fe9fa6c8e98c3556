import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';

export function cancelledError(): LatchkeyError {
  return new LatchkeyError(status.CANCELLED, 'The call was cancelled.');
}

/** Fails with CANCELLED when the signal is aborted. The work itself continues for other callers. */
export function cancellable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(cancelledError());
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
