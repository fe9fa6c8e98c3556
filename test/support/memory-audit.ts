import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import type { AuditOutbox, OutboxEntry, OutboxPage } from '../../src/core/audit/audit-outbox.ts';
import type { AuditFilter, AuditPage, AuditTrail } from '../../src/core/audit/audit-trail.ts';
import { storeUnavailable } from '../../src/core/failure.ts';

const AT = Date.UTC(2026, 0, 1);

/** The id of the n-th user, session or event of a test. */
export function auditId(n: number): string {
  return `019b7760-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** A logout, with an id of its own time. @param n makes the event differ from others. */
export function anAuditEvent(n: number, given: Partial<AuditEvent> = {}): AuditEvent {
  const at = given.at ?? AT;
  const time = at.toString(16).padStart(12, '0');
  const userId = auditId(1_000);
  const sessionId = auditId(n);
  return {
    eventId: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`,
    ...{ at, lastAt: at, count: 1, kind: 'SessionEnded' },
    actor: { kind: 'caller', userId, sessionId, clientId: 'web' },
    ...{ userId, sessionId, ipAddress: '192.0.2.1', clientId: 'web', reason: 'LOGGED_OUT', details: {} },
    ...given,
  };
}

/** Keeps the trail in memory; fails while told to. */
export class MemoryAuditTrail implements AuditTrail {
  readonly events = new Map<string, AuditEvent>();
  /** How many events were inserted by each call. */
  readonly inserts: number[] = [];
  isAway = false;
  /** The names of users, by their ids. */
  readonly names = new Map<string, string>();
  /** How often events were listed. */
  lists = 0;

  async insert(events: readonly AuditEvent[]): Promise<void> {
    await this.ping();
    this.inserts.push(events.length);
    for (const event of events) {
      if (event.count > (this.events.get(event.eventId)?.count ?? 0)) this.events.set(event.eventId, event);
    }
  }

  async list(filter: AuditFilter, limit: number, after?: string): Promise<AuditPage> {
    await this.ping();
    this.lists += 1;
    const found = [...this.events.values()]
      .filter((event) => matches(event, filter) && (after === undefined || event.eventId < after))
      .sort((one, other) => (one.eventId < other.eventId ? 1 : -1));
    const events = found.slice(0, limit).map((event) => {
      const nameOf = (userId: string) => this.names.get(userId) ?? '';
      const actor = { ...event.actor, username: nameOf(event.actor.userId) };
      return { ...event, username: nameOf(event.userId), actor };
    });
    return { events, next: found.length > limit ? events.at(-1)?.eventId : undefined };
  }

  async deleteBefore(at: number, limit: number): Promise<number> {
    const old = [...this.events.values()].filter((event) => event.at < at).slice(0, limit);
    for (const { eventId } of old) this.events.delete(eventId);
    return old.length;
  }

  async ping(): Promise<void> {
    if (this.isAway) throw storeUnavailable('audit', new Error('cut'));
  }
}

function matches(event: AuditEvent, filter: AuditFilter): boolean {
  const { sessionIds, from = 0, until = Number.POSITIVE_INFINITY, ...equal } = filter;
  return (
    Object.entries(equal).every(([name, value]) => event[name as keyof typeof equal] === value) &&
    (sessionIds?.includes(event.sessionId) ?? true) &&
    event.at >= from &&
    event.at < until
  );
}

/** Keeps the outbox in memory; fails while told to. */
export class MemoryAuditOutbox implements AuditOutbox {
  readonly entries: OutboxEntry[] = [];
  /** How many events were appended by each call. */
  readonly appends: number[] = [];
  isAway = false;

  async appendConfirmed(event: AuditEvent): Promise<void> {
    await this.appendIfRoom([event]);
  }

  async appendIfRoom(events: readonly AuditEvent[]): Promise<void> {
    await this.checkRoom();
    this.appends.push(events.length);
    for (const event of events) this.entries.push({ position: event.eventId, event });
  }

  async checkRoom(): Promise<void> {
    if (this.isAway) throw storeUnavailable('audit', new Error('cut'));
  }

  async read(limit: number): Promise<OutboxPage> {
    return { entries: this.entries.slice(0, limit), backlog: this.entries.length };
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) this.entries.splice(this.entries.indexOf(entry), 1);
  }
}
