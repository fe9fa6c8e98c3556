import type { Transaction } from 'kysely';
import { type AuditEvent, firstEventId } from '../../core/audit/audit-event.ts';
import {
  type AuditFilter,
  type AuditPage,
  type AuditTrail,
  MAX_FILTERED_SESSIONS,
} from '../../core/audit/audit-trail.ts';
import { answerInTime } from '../answer-in-time.ts';
import { auditEventOfRow, insertAuditEvents, removeAuditEvent } from './audit-row.ts';
import type { Schema, SqlHandle } from './schema.ts';
import { SQL_DEADLINE_MS } from './sql-database.ts';

/** After every UUID in lower case. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Stores the audit trail in SQL. Times are compared by event id, which starts with the time. */
export class SqlAuditTrail implements AuditTrail {
  readonly #sql: SqlHandle;

  constructor(sql: SqlHandle) {
    this.#sql = sql;
  }

  insert(events: readonly AuditEvent[]): Promise<void> {
    return this.#write((transaction) => insertAuditEvents(transaction, events));
  }

  list(
    { userId, sessionId, sessionIds, kind, ipAddress, from, until }: AuditFilter,
    limit: number,
    after?: string,
  ): Promise<AuditPage> {
    const before = until === undefined ? LAST_ID : firstEventId(until);
    return answerInTime('audit', SQL_DEADLINE_MS, async () => {
      const rows = await this.#sql.read
        .selectFrom('audit_events')
        .selectAll()
        .where('event_id', '<', after !== undefined && after < before ? after : before)
        .$if(from !== undefined, (query) => query.where('event_id', '>=', firstEventId(from ?? 0)))
        .$if(userId !== undefined, (query) => query.where('user_id', '=', userId ?? ''))
        .$if(sessionId !== undefined, (query) => query.where('session_id', '=', sessionId ?? ''))
        .$if(sessionIds !== undefined, (query) => query.where('session_id', 'in', padded(sessionIds ?? [])))
        .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? ''))
        .$if(ipAddress !== undefined, (query) => query.where('ip_address', '=', ipAddress ?? ''))
        .orderBy('event_id', 'desc')
        .limit(limit + 1)
        .execute();
      const events = rows.slice(0, limit).map(auditEventOfRow);
      return { events, next: rows.length > limit ? events.at(-1)?.eventId : undefined };
    });
  }

  deleteBefore(at: number, limit: number): Promise<number> {
    return this.#write(async (transaction) => {
      const old = transaction
        .selectFrom('audit_events')
        .select('event_id')
        .where('event_id', '<', firstEventId(at))
        .orderBy('event_id')
        .limit(limit);
      const { numDeletedRows } = await transaction
        .deleteFrom('audit_events')
        .where('event_id', 'in', old)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    });
  }

  /** Deletes no row, in a write transaction: a read-only or locked database refuses that. */
  ping(): Promise<void> {
    return this.#write((transaction) => removeAuditEvent(transaction, ''));
  }

  #write<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return answerInTime('audit', SQL_DEADLINE_MS, (assertInTime) =>
      this.#sql.write.transaction().execute(async (transaction) => {
        const result = await work(transaction);
        assertInTime();
        return result;
      }),
    );
  }
}

/** Always as many, because each text of a statement is prepared once per connection. */
function padded(sessionIds: readonly string[]): readonly string[] {
  const missing = Math.max(0, MAX_FILTERED_SESSIONS - sessionIds.length);
  return [...sessionIds, ...Array<string>(missing).fill('none')];
}
