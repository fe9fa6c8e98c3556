import type { AuditActor, AuditEvent } from './audit-event.ts';

/** An event as the trail lists it. */
export interface ListedAuditEvent extends AuditEvent {
  /** The user's name when the event was stored. Empty: no user, or the user was deleted before that. */
  readonly username: string;
  readonly actor: AuditActor & {
    /** The actor's name when the event was stored. Empty: not a user, or deleted before that. */
    readonly username: string;
  };
}

/** Which events to list. A field that is omitted does not restrict. */
export interface AuditFilter {
  readonly userId?: string;
  /** Empty: events of no single session. */
  readonly sessionId?: string;
  /** Events of any of these sessions; at most `MAX_FILTERED_SESSIONS`. */
  readonly sessionIds?: readonly string[];
  readonly kind?: string;
  readonly ipAddress?: string;
  /** At or after this time; milliseconds since 1970. */
  readonly from?: number;
  /** Before this time. */
  readonly until?: number;
}

export const MAX_FILTERED_SESSIONS = 100;

export interface AuditPage {
  readonly events: readonly ListedAuditEvent[];
  /** Id of the last event of this page; undefined: this is the last page. */
  readonly next: string | undefined;
}

/**
 * The audit trail.
 *
 * Law:
 * - An event is stored once, however often and from however many processes it is inserted.
 * - If the same event is inserted with a higher `count`, the trail has that count and `lastAt`. It never has a lower one.
 * - `insert` stores all events or none, and is durable when it resolves.
 * - A filter by user and kind, by session, or by address reads only events that match it.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: audit` within a second.
 */
export interface AuditTrail {
  insert(events: readonly AuditEvent[]): Promise<void>;
  /** Newest first. @param after the last event of the previous page. */
  list(filter: AuditFilter, limit: number, after?: string): Promise<AuditPage>;
  /** Deletes at most `limit` of the events before a time. Returns how many. */
  deleteBefore(at: number, limit: number): Promise<number>;
  /** Resolves if `insert` is possible now. */
  ping(): Promise<void>;
}
