import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';

export function givenUp(): LatchkeyError {
  return new LatchkeyError(status.CANCELLED, 'The call was given up.');
}

/** The same, but fails with CANCELLED once the signal says so; the work goes on for others who wait for it. */
export function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(givenUp());
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
