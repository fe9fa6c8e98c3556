import type { Revocation as RevocationEntry } from '../../validator/revocation-set.ts';
import type { EndReasonName } from './validation.ts';

/**
 * The end of one session, or of all sessions of a user created up to a cut-off.
 *
 * @example
 * const ends = (revocation: Revocation, sessionId: string, createdAt: Date): boolean =>
 *   revocation.kind === 'session' ? revocation.sessionId === sessionId : createdAt <= revocation.cutoff;
 */
export type Revocation =
  | {
      readonly kind: 'session';
      readonly userId: string;
      readonly sessionId: string;
      readonly reason: EndReasonName;
      /** When the session ended, by the service's clock. */
      readonly endedAt: Date;
      /** All access tokens of the session have expired by then. */
      readonly expiresAt: Date;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      /** Sessions created at or before this instant have ended. */
      readonly cutoff: Date;
      readonly reason: EndReasonName;
      /** When the sessions ended, by the service's clock. */
      readonly endedAt: Date;
      /** All access tokens of these sessions have expired by then. */
      readonly expiresAt: Date;
    };

/** Converts an entry of the local copy to the public form. */
export function revocationOf(entry: RevocationEntry): Revocation {
  const shared = {
    userId: entry.userId,
    // The local copy holds the names that this client knows, as strings.
    reason: entry.reason as EndReasonName,
    endedAt: new Date(entry.endedAt),
    expiresAt: new Date(entry.expiresAt),
  };
  return entry.kind === 'session'
    ? { kind: 'session', sessionId: entry.sessionId, ...shared }
    : { kind: 'user', cutoff: new Date(entry.cutoff), ...shared };
}
