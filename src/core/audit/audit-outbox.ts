import type { IdSource } from '../ids.ts';
import { type AuditEvent, auditEventOf, endEventId, signInEventId, ticketEventId } from './audit-event.ts';
import type { SecurityEvents } from './security-event.ts';

/** An event in the outbox. */
export interface OutboxEntry {
  /** Where it is in the outbox. A failover may give the position to another event. */
  readonly position: string;
  readonly event: AuditEvent;
}

export interface OutboxPage {
  /** The oldest entries. */
  readonly entries: readonly OutboxEntry[];
  /** The number of events in the outbox, including `entries`. */
  readonly backlog: number;
}

/**
 * Where audit events wait until they are in the audit trail.
 *
 * Law:
 * - An event is durable when its append resolves, and stays until `remove`.
 * - `remove` removes an entry only if its position still holds that event.
 * - `appendIfRoom` and `checkRoom` fail with STORE_UNAVAILABLE while the outbox holds its maximum.
 *   `appendConfirmed` does not: an end must not wait for SQL.
 * - Driver errors become STORE_UNAVAILABLE with `store: audit`. An append that timed out never runs later.
 * - An entry that cannot be read is reported and removed, so that it does not block the others.
 */
export interface AuditOutbox {
  /** Stores the event as durably as the end of a session. Fails with END_UNCONFIRMED if replicas did not confirm. */
  appendConfirmed(event: AuditEvent): Promise<void>;
  /** Stores all of the events or none. Does not wait for replicas. */
  appendIfRoom(events: readonly AuditEvent[]): Promise<void>;
  /** Resolves if `appendIfRoom` would store an event now. */
  checkRoom(): Promise<void>;
  /** Reads the oldest entries. May return none while another process moves them. */
  read(limit: number): Promise<OutboxPage>;
  remove(entries: readonly OutboxEntry[]): Promise<void>;
}

/** Stores acknowledged events in an outbox; see `SecurityEvents.store`. */
export function storeIn(
  outbox: Pick<AuditOutbox, 'appendIfRoom' | 'appendConfirmed'>,
  ids: IdSource,
): SecurityEvents['store'] {
  return (event) => {
    switch (event.kind) {
      case 'SignedIn':
        return outbox.appendIfRoom([auditEventOf(event, signInEventId(event.sessionId, event.at))]);
      case 'TicketApproved':
      case 'TicketDenied':
        return outbox.appendIfRoom([
          auditEventOf(event, ticketEventId(event.kind, event.ticketId, event.at)),
        ]);
    }
    const isOneEnd = event.kind === 'SessionEnded' && event.sessionId !== undefined;
    const eventId = isOneEnd ? endEventId(event.sessionId, event.at) : ids.next(event.at);
    return outbox.appendConfirmed(auditEventOf(event, eventId));
  };
}
