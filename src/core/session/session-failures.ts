import { Failure, storeUnavailable } from '../failure.ts';
import type { EndedSession } from './session.ts';

/** The token is not one of this service, or is another client's. Its session continues. */
export function invalidRefreshToken(message: string): Failure {
  return new Failure('INVALID_REFRESH_TOKEN', message);
}

/** The user has no such session, or it is not known any more. Says nothing about other users. */
export function sessionNotFound(): Failure {
  return new Failure('SESSION_NOT_FOUND', 'There is no such session of this user.');
}

/** Other logins of the user used the room that this one made. */
export function noRoom(): Failure {
  return storeUnavailable('sessions', new Error('other logins of this user used every free session slot'));
}

/** @param ended undefined: how it ended is not known. */
export function sessionEnded(ended: EndedSession | undefined): Failure {
  const reason = ended?.reason ?? 'UNSPECIFIED';
  const endedAt = ended === undefined ? {} : { ended_at: new Date(ended.endedAt).toISOString() };
  return new Failure('SESSION_ENDED', 'The session has ended; sign in again.', {
    metadata: { end_reason: reason, ...endedAt },
  });
}
