import type { Revocation } from '../../validator/revocation-set.ts';

/** An entry with its place in the log. */
export interface LoggedRevocation {
  /** Opaque to everyone but `validator/revision`; grows along the log. */
  readonly revision: string;
  readonly revocation: Revocation;
}

export interface LogState {
  /** When this log began, milliseconds since 1970. Endings before it are not in it. */
  readonly coveredSince: number;
  /** The log still holds the position asked about, or has dropped it as no longer needed. False: it has lost entries. */
  readonly continuous: boolean;
}

/** A full page of `read`: there may be more. Every log has pages of this size, or its readers would stop too soon. */
export const LOG_PAGE_SIZE = 1_000;

/**
 * One ordered log of what has ended.
 *
 * Law: `append` is durable when its promise resolves (ENDING_UNCONFIRMED where the replicas did not confirm).
 * Entries are read in the order of their revisions, each once, by every reader. An entry is kept until it expires, and
 * for at least the log's retention after `endedAt`. Its revision does not tell its age: revisions come from a clock that
 * may be set. `coveredSince` is set when the log is first used, and again after its store was wiped, restarted or
 * failed over, because sessions may have been lost then. Faults of the driver are
 * STORE_UNAVAILABLE with `store: revocations`; an append that timed out never runs later.
 *
 * A damaged entry keeps its place and counts for what can be read of it. Every time that is read is a whole number of
 * milliseconds from 1970 to 9999.
 */
export interface RevocationLog {
  /** Appends and answers the entry's revision. */
  append(revocation: Revocation, now: number): Promise<string>;
  /**
   * The entries after `after` (undefined: from the beginning), at most `LOG_PAGE_SIZE`. Waits up to `waitMs` for the
   * first one; none then: an empty list.
   */
  read(after: string | undefined, waitMs: number): Promise<readonly LoggedRevocation[]>;
  /**
   * Creates the log if there is none, and says whether it still is the one that `position` was read from. With replicas
   * to wait for, fails unless they confirm that what was read before this call was read from the primary.
   */
  inspect(position: string | undefined, now: number): Promise<LogState>;
  /** Gives up a waiting `read`, for example at the end of the process. */
  close(): Promise<void>;
}
