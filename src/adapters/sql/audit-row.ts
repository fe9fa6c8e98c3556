import type { ExpressionBuilder, Transaction } from 'kysely';
import type { AuditEvent } from '../../core/audit/audit-event.ts';
import type { ListedAuditEvent } from '../../core/audit/audit-trail.ts';
import type { Actor } from '../../core/audit/security-event.ts';
import type { AuditEventRow, Schema } from './schema.ts';

/** Rows of a statement, if there are that many; otherwise 1. So each connection prepares only two statements. */
const ROWS_PER_STATEMENT = 50;
/** The maximum of the SQL column `count`. */
const MAX_COUNT = 2_147_483_647;

/** Inserts each event once. An event that is there with a lower count gets the higher one. */
export async function insertAuditEvents(
  transaction: Transaction<Schema>,
  events: readonly AuditEvent[],
): Promise<void> {
  const distinct = withHighestCount(events);
  let from = 0;
  while (from < distinct.length) {
    const size = distinct.length - from >= ROWS_PER_STATEMENT ? ROWS_PER_STATEMENT : 1;
    const rows = distinct.slice(from, from + size);
    await transaction
      .insertInto('audit_events')
      .values((eb) => rows.map((event) => newRowOf(event, eb)))
      .onConflict((conflict) =>
        conflict
          .column('event_id')
          .doUpdateSet((eb) => ({ count: eb.ref('excluded.count'), last_at: eb.ref('excluded.last_at') }))
          .whereRef('excluded.count', '>', 'audit_events.count'),
      )
      .execute();
    from += size;
  }
}

export async function removeAuditEvent(transaction: Transaction<Schema>, eventId: string): Promise<void> {
  await transaction.deleteFrom('audit_events').where('event_id', '=', eventId).execute();
}

/** The event in a row, with the names that the row has. */
export function auditEventOfRow(row: AuditEventRow): ListedAuditEvent {
  return {
    eventId: row.event_id,
    at: row.happened_at,
    lastAt: row.last_at,
    count: row.count,
    kind: row.kind,
    actor: {
      kind: row.actor_kind as Actor['kind'],
      userId: row.actor_user_id,
      username: row.actor_username ?? '',
      sessionId: row.actor_session_id,
      clientId: row.actor_client_id,
    },
    userId: row.user_id,
    username: row.username ?? '',
    sessionId: row.session_id,
    ipAddress: row.ip_address,
    clientId: row.client_id,
    reason: row.reason,
    details: JSON.parse(row.details) as Readonly<Record<string, string>>,
  };
}

function newRowOf(event: AuditEvent, eb: ExpressionBuilder<Schema, 'audit_events'>) {
  const { actor } = event;
  const nameOf = (userId: string) =>
    eb.selectFrom('users').select('users.username').where('users.user_id', '=', userId);
  return {
    event_id: event.eventId,
    happened_at: event.at,
    last_at: event.lastAt,
    count: Math.min(event.count, MAX_COUNT),
    kind: storable(event.kind),
    user_id: storable(event.userId),
    username: nameOf(storable(event.userId)),
    session_id: storable(event.sessionId),
    actor_kind: storable(actor.kind),
    actor_user_id: storable(actor.userId),
    actor_username: nameOf(storable(actor.userId)),
    actor_session_id: storable(actor.sessionId),
    actor_client_id: storable(actor.clientId),
    ip_address: storable(event.ipAddress),
    client_id: storable(event.clientId),
    reason: storable(event.reason),
    details: storable(JSON.stringify(event.details)),
  };
}

/** PostgreSQL rejects NUL. One such text must not block all later events. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/**
 * Each event once, because PostgreSQL cannot update a row twice in one statement. Sorted by id, so that two processes
 * that insert the same events never wait for each other's rows.
 */
function withHighestCount(events: readonly AuditEvent[]): readonly AuditEvent[] {
  const byId = new Map<string, AuditEvent>();
  for (const event of events) {
    if (event.count > (byId.get(event.eventId)?.count ?? 0)) byId.set(event.eventId, event);
  }
  return [...byId.values()].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
}
