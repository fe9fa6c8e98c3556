import type { EndReason } from '../audit/end-reason.ts';
import type { SessionLimit } from './device-policy.ts';
import type { EndedSession, Session, SessionSummary } from './session.ts';

export interface CreateSession {
  /** `generation` is 1. `securityVersion` is the user's, read before the credentials were checked. */
  readonly session: Session;
  readonly limit: SessionLimit;
  /** The session that the user chose to end at the limit. Empty: none. */
  readonly endSessionId: string;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export type CreateOutcome =
  /**
   * `replaced`, oldest first: earlier sessions of the same device, which this step ended. It also holds sessions that
   * ended as `REPLACED` before and are not marked as logged. Their ends are durable and logged only after `end` and
   * `markLogged`.
   */
  | { readonly kind: 'created'; readonly replaced: readonly EndedSession[] }
  /**
   * The session limit is reached. Before the next `create`, end the sessions in `toEnd` as REPLACED and mark them as
   * logged: the chosen one, the oldest beyond the limit, and those replaced earlier but not logged. Nothing was
   * created. Sessions ended only at their deadlines.
   */
  | { readonly kind: 'full'; readonly toEnd: readonly string[] }
  /** The session limit is reached. Nothing was created. Sessions ended only at their deadlines. Oldest first. */
  | { readonly kind: 'refused'; readonly sessions: readonly SessionSummary[] }
  /** The user's sessions were ended after the user was read. Nothing was created. */
  | { readonly kind: 'user-changed' }
  /** The session id is not after the user's cut-off: the clock of another server is ahead. Nothing was created. */
  | { readonly kind: 'clock-behind'; readonly cutoff: number };

export interface RotateSession {
  readonly userId: string;
  readonly sessionId: string;
  /** The generation of the presented refresh token, with a verified MAC. */
  readonly generation: number;
  /** The client that presents the token; empty: not compared with the session's. */
  readonly clientId: string;
  /** The address to store as the latest one if the session rotates; empty: unknown, keeps the stored one. */
  readonly ipAddress: string;
  /** The user's security version, as just read. */
  readonly securityVersion: number;
  /** The end reason for a session with an older security version. Undefined: such a session goes on. */
  readonly outdatedReason: EndReason | undefined;
  readonly refreshGraceMs: number;
  readonly idleTtlMs: number;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export type RotateOutcome =
  /** The session after the step. `generation` is that of the new token. */
  | {
      readonly kind: 'rotated';
      readonly session: Session;
      /** The latest address before the step; empty: unknown. */
      readonly previousIpAddress: string;
    }
  /** The previous token was presented within the grace period. Nothing was changed. */
  | { readonly kind: 'replayed'; readonly session: Session }
  /** An older token was presented. This call ended the session with REFRESH_TOKEN_REUSED. */
  | { readonly kind: 'reused'; readonly ended: EndedSession }
  /** The session ended before, a deadline passed (IDLE, MAX_LIFETIME), or its security version is outdated. */
  | { readonly kind: 'ended'; readonly ended: EndedSession }
  | { readonly kind: 'missing' }
  /** The session belongs to another client. Nothing was changed. */
  | { readonly kind: 'other-client' }
  | { readonly kind: 'user-changed' };

export interface EndSession {
  readonly userId: string;
  readonly sessionId: string;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  /** When it ends; earlier for an end that is put back after a failover. */
  readonly now: number;
}

export interface ShortenSession {
  readonly userId: string;
  readonly sessionId: string;
  /** Neither deadline may be later than this; milliseconds since 1970. */
  readonly deadline: number;
  readonly now: number;
}

export interface EndOtherSessions {
  readonly userId: string;
  /** The session that goes on. */
  readonly keptSessionId: string;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  readonly now: number;
}

export interface EndOutdatedSessions {
  readonly userId: string;
  /** The user's security version after the change that ends the sessions. */
  readonly securityVersion: number;
  /** The session that goes on. */
  readonly keptSessionId: string;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  /** How long to refuse older versions; as in `EndUserSessions`. */
  readonly cutoffTtlMs: number;
  readonly now: number;
}

export interface EndUserSessions {
  readonly userId: string;
  /** The user's security version after the change that ends the sessions. */
  readonly securityVersion: number;
  readonly reason: EndReason;
  readonly tombstoneTtlMs: number;
  /** How long to remember the cut-off: longer than the lifetime of any access token. */
  readonly cutoffTtlMs: number;
  /** End only sessions created up to this time, as an earlier cut-off said. Undefined: all sessions. */
  readonly createdUpTo?: number;
  readonly now: number;
}

export interface UserCutoff {
  /**
   * Sessions created at or before this time have ended; milliseconds since 1970. The timestamp in the session id
   * counts. Never before the newest session that was ended, even if its id came from a server with another clock.
   */
  readonly cutoff: number;
  /** The sessions it covers that ended before and whose end is not marked as logged, oldest first. */
  readonly unlogged: readonly EndedSession[];
}

export type ReadOutcome =
  | { readonly kind: 'live'; readonly session: Session }
  | { readonly kind: 'ended'; readonly ended: EndedSession }
  | { readonly kind: 'missing' };

/**
 * The session store.
 *
 * Law:
 * - Every method is one atomic step.
 * - A session that has ended stays ended. Only `create` makes a record, and it never overwrites one.
 * - `rotate` follows `decideRotation` exactly.
 * - A session whose deadline has passed ended at that deadline, with its reason. Whichever step finds it later stores
 *   that end, not its own.
 * - An end (`end`, `endKnown`, `endOthers`, `endOutdated`, `endUser`, and ends inside `rotate`) is durable when its
 *   promise resolves. It fails with END_UNCONFIRMED if too few replicas confirmed in time. Repeating it is safe.
 * - `endOthers`, `endOutdated` and `endUser` return every end of a session that is not marked as logged, whichever step
 *   ended it, except ends at a deadline. So an end that was interrupted before it was logged is completed by the next of
 *   them, with its own reason.
 * - `shorten` only lowers deadlines, and changes nothing else. It does not wait for replicas.
 * - `create` follows `decideOpening` exactly. It returns `full` only if an end can be confirmed now.
 * - After `endUser` or `endOutdated` resolves, no `create` or `rotate` with an older `securityVersion` succeeds while
 *   the cut-off is remembered.
 * - `endOutdated` compares security versions and no times. A session of the given version or a later one goes on,
 *   whether it was created before this step or after it.
 * - A read changes nothing.
 * - Deadlines are compared with `now`, never with the store's own clock.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: sessions`. A step that timed out never runs later.
 * - A damaged record is `missing` for `read`, `rotate` and `shorten`, and `list` leaves it out. In a refusal it has an id and no
 *   names. Every other method does its work for that session and all others.
 * - Every time that is read is an integer in milliseconds, from 1970 to 9999.
 */
export interface SessionStore {
  create(request: CreateSession): Promise<CreateOutcome>;
  rotate(request: RotateSession): Promise<RotateOutcome>;
  /** Lowers the deadlines of a session that has not ended. Returns the session after the step. */
  shorten(request: ShortenSession): Promise<ReadOutcome>;
  /** Ends a session, or returns how it ended before. A missing session gets a tombstone. */
  end(request: EndSession): Promise<EndedSession>;
  /**
   * Like `end`, but undefined for a missing session, of which nothing is written. If replicas are configured, fails unless
   * they confirm that a session is missing.
   */
  endKnown(request: EndSession): Promise<EndedSession | undefined>;
  /** Ends every session of a user except one. Returns the ends to log, oldest session first. */
  endOthers(request: EndOtherSessions): Promise<readonly EndedSession[]>;
  /**
   * Ends every session of a user with an older security version, except one. That one gets the given version and is
   * otherwise unchanged. Returns the ends to log, oldest session first.
   */
  endOutdated(request: EndOutdatedSessions): Promise<readonly EndedSession[]>;
  /** Ends every session of a user and remembers the cut-off. */
  endUser(request: EndUserSessions): Promise<UserCutoff>;
  /** If replicas are configured, fails unless they confirm that the record was read from the primary. */
  read(userId: string, sessionId: string, now: number): Promise<ReadOutcome>;
  /** The user's sessions that have not ended and whose deadlines have not passed, newest first. Otherwise as `read`. */
  list(userId: string, now: number): Promise<readonly Session[]>;
  /** Stores in the tombstone at which revision and when the end was logged, so that it is not logged again. Best effort. */
  markLogged(userId: string, sessionId: string, revision: string, now: number): Promise<void>;
  /**
   * Resolves if the store can be written to now.
   * @param userId check where this user's sessions are stored; omitted: anywhere.
   */
  ping(userId?: string): Promise<void>;
}
