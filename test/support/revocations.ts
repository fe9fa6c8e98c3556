import type { LoggedRevocation } from '../../src/core/revocation/revocation-log.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { HOUR, ids } from './sessions.ts';

/** A session that ended now, with an expiry in an hour. */
export function aRevocation(now: number): Extract<Revocation, { kind: 'session' }> {
  return {
    kind: 'session',
    userId: ids.next(now),
    sessionId: ids.next(now),
    reason: 'LOGGED_OUT',
    endedAt: now,
    expiresAt: now + HOUR,
  };
}

/** Consecutive entries of a log. */
export class RevocationSequence {
  #made = 0;

  next(count: number, now: number): readonly LoggedRevocation[] {
    return Array.from({ length: count }, () => {
      this.#made += 1;
      return { revision: `1-${this.#made}`, revocation: aRevocation(now) };
    });
  }
}
