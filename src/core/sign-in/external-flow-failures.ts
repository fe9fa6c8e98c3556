import { Failure } from '../failure.ts';

const RETRY_MS = 500;

/** The same for an unknown flow and a wrong secret. */
export function flowNotFound(): Failure {
  return new Failure(
    'FLOW_NOT_FOUND',
    'There is no such sign-in, it was begun in another browser, or it has expired; begin again.',
  );
}

export function flowOver(): Failure {
  return new Failure('FLOW_OVER', 'This sign-in was completed or refused already; begin again.');
}

export function flowInProgress(): Failure {
  return new Failure('FLOW_IN_PROGRESS', 'Another call is completing this sign-in; repeat the call.', {
    retryAfterMs: RETRY_MS,
  });
}
