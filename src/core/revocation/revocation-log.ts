import type { Revocation } from '../../validator/revocation-set.ts';

/** A revocation with its revision in the log. */
export interface LoggedRevocation {
  /** Increases along the log. Opaque except to `validator/revision`. */
  readonly revision: string;
  readonly revocation: Revocation;
}

export interface LogState {
  /** When this log began; milliseconds since 1970. Earlier revocations are not in it. */
  readonly coveredSince: number;
  /** The log still holds the given position, or dropped it after its retention. False: the log lost entries. */
  readonly continuous: boolean;
}

/**
 * Entries in a full page of `read`; a full page means there may be more. Every log must use this size, or readers stop
 * too early.
 */
export const LOG_PAGE_SIZE = 1_000;

/**
 * The ordered log of revocations.
 *
 * Law:
 * - `append` is durable when its promise resolves. It fails with END_UNCONFIRMED if the replicas did not confirm.
 * - Every reader reads the entries in revision order, each once.
 * - An entry is kept until it expires, and at least for the log's retention after `endedAt`.
 * - A revision does not give the age of its entry. Revisions come from a clock that may be set.
 * - `coveredSince` is set when the log is first used. It is set again after the store was wiped, restarted or failed
 *   over, because sessions may have been lost.
 * - Driver errors become STORE_UNAVAILABLE with `store: revocations`. An append that timed out never runs later.
 * - A damaged entry keeps its revision, and its readable fields apply.
 * - Every time that is read is an integer in milliseconds, from 1970 to 9999.
 */
export interface RevocationLog {
  /** Appends the revocation and returns its revision. */
  append(revocation: Revocation, now: number): Promise<string>;
  /**
   * Returns the entries after `after` (undefined: from the beginning), at most `LOG_PAGE_SIZE`.
   * Waits up to `waitMs` for the first one. Returns an empty list if none comes.
   */
  read(after: string | undefined, waitMs: number): Promise<readonly LoggedRevocation[]>;
  /**
   * Creates the log if there is none, and checks that it is still the log that `position` was read from.
   * If replicas are configured, it fails unless they confirm that earlier reads came from the primary.
   */
  inspect(position: string | undefined, now: number): Promise<LogState>;
  /** Cancels a waiting `read`, for example at shutdown. */
  close(): Promise<void>;
}
