import type { EndReason } from '../audit/end-reason.ts';
import type { EndedSession, Session } from './session.ts';

export interface CreateSession {
  /** `generation` is 1; `securityVersion` is the user's, as it was read before the credentials were checked. */
  readonly session: Session;
  readonly maxSessionsPerUser: number;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export type CreateOutcome =
  /**
   * `replaced`, oldest first: earlier sessions of the same device, which this step ended, and others whose `REPLACED` is
   * not marked as logged. They are durable and logged only after `end` and `markLogged`.
   */
  | { readonly kind: 'created'; readonly replaced: readonly EndedSession[] }
  /**
   * There is no room. Before `create` is called again, the sessions in `toEnd` must be ended as REPLACED and marked as
   * logged: the oldest beyond the limit, and those replaced before and not logged. Nothing was created, and no session
   * ended except at its deadline.
   */
  | { readonly kind: 'full'; readonly toEnd: readonly string[] }
  /** The user's sessions were ended since the user was read. Nothing was created. */
  | { readonly kind: 'user-changed' }
  /** The session's id is not younger than the user's cut-off: another server's clock is ahead. Nothing was created. */
  | { readonly kind: 'clock-behind'; readonly cutoff: number };

export interface RotateSession {
  readonly userId: string;
  readonly sessionId: string;
  /** The generation of the refresh token that was presented, its MAC already verified. */
  readonly generation: number;
  /** The application that presents the token; empty: not compared with the session's. */
  readonly clientId: string;
  /** The user's, as it was read just now. */
  readonly securityVersion: number;
  /** How a session ends here that was opened under an older security version. */
  readonly outdatedReason: EndReason;
  readonly refreshGraceMs: number;
  readonly idleTtlMs: number;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export type RotateOutcome =
  /** The session after the step; its `generation` is the successor's. */
  | { readonly kind: 'rotated'; readonly session: Session }
  /** The token before the current one, within the grace: the session as it stands, nothing was changed. */
  | { readonly kind: 'replayed'; readonly session: Session }
  /** Older than that: this call ended the session with REFRESH_TOKEN_REUSED. */
  | { readonly kind: 'reused'; readonly ended: EndedSession }
  /** It had ended before, a deadline has passed (IDLE, MAX_LIFETIME), or it was opened under an older security version. */
  | { readonly kind: 'ended'; readonly ended: EndedSession }
  | { readonly kind: 'missing' }
  /** The session is another application's. Nothing was changed. */
  | { readonly kind: 'other-client' }
  | { readonly kind: 'user-changed' };

export interface EndSession {
  readonly userId: string;
  readonly sessionId: string;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export interface EndUserSessions {
  readonly userId: string;
  /** The user's, after the change that ends the sessions. */
  readonly securityVersion: number;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  /** How long the cut-off itself must be remembered: longer than any access token lives. */
  readonly cutoffTtlMs: number;
  /** End only sessions created up to this instant, as an earlier cut-off said. Undefined: all there are. */
  readonly createdUpTo?: number;
  readonly now: number;
}

export interface UserCutoff {
  /**
   * Sessions created at or before this instant (the time in their ids, milliseconds since 1970) have ended.
   * Not before the youngest of the sessions that were ended, whichever server's clock made its id.
   */
  readonly cutoff: number;
}

export type ReadOutcome =
  | { readonly kind: 'live'; readonly session: Session }
  | { readonly kind: 'ended'; readonly ended: EndedSession }
  | { readonly kind: 'missing' };

/**
 * The sessions.
 *
 * Law: every method is one atomic step, in the order in which the store takes them. A session that has ended
 * stays ended: nothing but `create` makes a record, and `create` never overwrites one. `rotate` follows
 * `decideRotation` to the letter. An ending (`end`, `endUser`, and those inside `rotate`) is
 * durable when its promise resolves; where the configured number of replicas did not confirm in time it
 * fails with ENDING_UNCONFIRMED, and repeating it is safe. `create` answers `full` only where an ending can be
 * confirmed now. Once `endUser` has resolved no `create` or
 * `rotate` with an older `securityVersion` succeeds for as long as the cut-off is remembered. A read never
 * changes anything. Deadlines are judged by `now`, never by the store's own clock. Faults and time-outs of
 * the driver are STORE_UNAVAILABLE with `store: sessions`; a step that timed out never runs later.
 *
 * A record that is damaged is `missing` for `read` and `rotate`; every other method does its work for that session and
 * all others. Every time that is read is a whole number of milliseconds from 1970 to 9999.
 */
export interface SessionStore {
  create(request: CreateSession): Promise<CreateOutcome>;
  rotate(request: RotateSession): Promise<RotateOutcome>;
  /** Ends a session, or answers how it had ended before; a missing one gets a tombstone. */
  end(request: EndSession): Promise<EndedSession>;
  /** Ends every session of a user and remembers the cut-off. */
  endUser(request: EndUserSessions): Promise<UserCutoff>;
  /** With replicas to wait for, fails unless they confirm that the record was read from the primary. */
  read(userId: string, sessionId: string, now: number): Promise<ReadOutcome>;
  /** Notes in a tombstone where its ending stands in the log, so that it is not logged again. Best effort. */
  markLogged(userId: string, sessionId: string, revision: string): Promise<void>;
  /** Resolves if the store can be written to now. @param userId where this user's sessions are; left out: anywhere. */
  ping(userId?: string): Promise<void>;
}
