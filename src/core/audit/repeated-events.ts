import type { FailureReason } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import { type AuditEvent, auditEventOf } from './audit-event.ts';
import type { AuditOutbox } from './audit-outbox.ts';
import type { SecurityEvent } from './security-event.ts';

export interface RepeatedEventsOptions {
  readonly outbox: Pick<AuditOutbox, 'appendIfRoom'>;
  readonly ids: IdSource;
}

/** Events that a caller can repeat at will. No call waits until they are stored. */
type RepeatedEvent = Extract<
  SecurityEvent,
  {
    readonly kind:
      | 'SignInFailed'
      | 'SignInRefused'
      | 'NewDevice'
      | 'SessionMoved'
      | 'RiskAssessed'
      | 'PasswordChangeFailed'
      | 'RefreshReplayed'
      | 'RefreshRefused'
      | 'PasswordUnreadable';
  }
>;

/** Like events of one minute. */
interface Group {
  readonly event: AuditEvent;
  count: number;
  lastAt: number;
  /** How many of them are stored. */
  stored: number;
}

const WINDOW_MS = 60_000;
const MAX_GROUPS = 1_000;
const APPEND_BATCH = 100;

/** Failures of the service or of the caller's connection. Only the metrics count them: they say nothing about the user. */
const UNAUDITED_REASONS: ReadonlySet<string> = new Set<FailureReason>([
  'STORE_UNAVAILABLE',
  'END_UNCONFIRMED',
  'DRAINING',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
]);

/**
 * Counts events that a caller can repeat at will, so that a flood of them makes few rows. Like events of one minute in
 * one process are one event with a count. `flush` stores the counts so far; the trail keeps the highest of each event.
 * Memory is bounded: beyond 1,000 groups, events are counted only by kind and reason.
 */
export class RepeatedEvents {
  readonly #options: RepeatedEventsOptions;
  readonly #groups = new Map<string, Group>();
  #flushing: Promise<void> | undefined;

  constructor(options: RepeatedEventsOptions) {
    this.#options = options;
  }

  /** Counts the event if it is one of these kinds. A subscriber of `SecurityEvents`. */
  readonly count = (event: SecurityEvent): void => {
    if (!isRepeated(event)) return;
    const key = keyOf(event, Math.floor(event.at / WINDOW_MS));
    if (this.#groups.has(key) || this.#groups.size < MAX_GROUPS) this.#add(key, event);
    else this.#add(overflowKeyOf(event), withoutPerson(event));
  };

  /**
   * Stores the counts that have changed. Call it every few seconds and at the end. Fails with STORE_UNAVAILABLE; then
   * nothing is lost, and the next call stores it.
   */
  flush(now: number): Promise<void> {
    this.#flushing ??= this.#flush(now).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  #add(key: string, event: RepeatedEvent): void {
    const group = this.#groups.get(key);
    if (group === undefined) {
      const first = auditEventOf(event, this.#options.ids.next(event.at));
      this.#groups.set(key, { event: first, count: 1, lastAt: event.at, stored: 0 });
      return;
    }
    group.count += 1;
    group.lastAt = Math.max(group.lastAt, event.at);
  }

  async #flush(now: number): Promise<void> {
    const changed = [...this.#groups.values()].filter(({ count, stored }) => count > stored);
    for (let from = 0; from < changed.length; from += APPEND_BATCH) {
      const sent = changed.slice(from, from + APPEND_BATCH).map((group) => ({ group, count: group.count }));
      await this.#options.outbox.appendIfRoom(
        sent.map(({ group: { event, lastAt }, count }) => ({ ...event, lastAt, count })),
      );
      for (const { group, count } of sent) group.stored = count;
    }
    for (const [key, { event, count, stored }] of this.#groups) {
      if (count === stored && event.at + WINDOW_MS <= now) this.#groups.delete(key);
    }
  }
}

function isRepeated(event: SecurityEvent): event is RepeatedEvent {
  switch (event.kind) {
    case 'SignInFailed':
    case 'PasswordChangeFailed':
      return !UNAUDITED_REASONS.has(event.reason);
    case 'RiskAssessed':
      // The one of a refused sign-in is stored before the sign-in is answered.
      return event.sessionId !== undefined;
    case 'SignInRefused':
    case 'NewDevice':
    case 'SessionMoved':
    case 'RefreshReplayed':
    case 'RefreshRefused':
    case 'PasswordUnreadable':
      return true;
    default:
      return false;
  }
}

function keyOf(event: RepeatedEvent, minute: number): string {
  const { kind, userId, sessionId, ipAddress, clientId, reason, details } = auditEventOf(event, '');
  return JSON.stringify([minute, kind, userId, sessionId, ipAddress, clientId, reason, details]);
}

function overflowKeyOf(event: RepeatedEvent): string {
  return JSON.stringify([event.kind, 'reason' in event ? event.reason : '']);
}

/** The event without user, session, address and client. */
function withoutPerson(event: RepeatedEvent): RepeatedEvent {
  const actor = { kind: 'credentials' } as const;
  const origin = { ipAddress: '', clientId: '' };
  switch (event.kind) {
    case 'SignInFailed':
      return { ...event, actor, userId: undefined, origin };
    case 'SignInRefused':
      return { ...event, actor, userId: '', origin };
    case 'PasswordUnreadable':
      return { ...event, actor, userId: '' };
    case 'SessionMoved':
      return { ...event, actor, userId: '', sessionId: '', origin, from: '' };
    case 'RiskAssessed':
      return { ...event, actor, userId: '', sessionId: '', origin, signals: '', action: '', mode: '' };
    default:
      return { ...event, actor, userId: '', sessionId: '', origin };
  }
}
