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
/** Groups of events of users, by address. Beyond that, as many again without the address. */
const MAX_USER_GROUPS = 1_000;
/** Groups of events without a user. Few, because anybody can cause them, from many addresses. */
const MAX_OTHER_GROUPS = 200;
const APPEND_BATCH = 100;

/**
 * Failures of the service, of the caller's connection or of its program. Only the metrics count them: they say nothing
 * about the user.
 */
const UNAUDITED_REASONS: ReadonlySet<string> = new Set<FailureReason>([
  'STORE_UNAVAILABLE',
  'END_UNCONFIRMED',
  'DRAINING',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'INVALID_FIELD',
  'LOGIN_QUEUE_FULL',
  'PROVIDER_UNAVAILABLE',
  'FLOW_IN_PROGRESS',
]);

const UNKNOWN_ORIGIN = { ipAddress: '', clientId: '' } as const;

/**
 * Counts events that a caller can repeat at will, so that a flood of them makes few rows. Like events of one minute in
 * one process are one event with a count. `flush` stores the counts so far; the trail keeps the highest of each event.
 *
 * Memory is bounded. In a flood, further events are counted without their address, and then only by kind and reason.
 * Events of users and events without a user have groups of their own, so a flood of the latter hides no event of a user.
 */
export class RepeatedEvents {
  readonly #options: RepeatedEventsOptions;
  readonly #ofUsers = new Map<string, Group>();
  readonly #others = new Map<string, Group>();
  #flushing: Promise<void> | undefined;

  constructor(options: RepeatedEventsOptions) {
    this.#options = options;
  }

  /** Counts the event if it is one of these kinds. A subscriber of `SecurityEvents`. */
  readonly count = (event: SecurityEvent): void => {
    if (!isRepeated(event)) return;
    if (isOfUser(event)) {
      if (this.#add(this.#ofUsers, event, MAX_USER_GROUPS)) return;
      if (this.#add(this.#ofUsers, withoutOrigin(event), 2 * MAX_USER_GROUPS)) return;
    } else if (this.#add(this.#others, event, MAX_OTHER_GROUPS)) return;
    this.#add(this.#others, withoutPerson(event), Number.POSITIVE_INFINITY);
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

  /** Returns false if it would be one group more than `most`. */
  #add(groups: Map<string, Group>, event: RepeatedEvent, most: number): boolean {
    const key = keyOf(event);
    const group = groups.get(key);
    if (group !== undefined) {
      group.count += 1;
      group.lastAt = Math.max(group.lastAt, event.at);
      return true;
    }
    if (groups.size >= most) return false;
    const first = auditEventOf(event, this.#options.ids.next(event.at));
    groups.set(key, { event: first, count: 1, lastAt: event.at, stored: 0 });
    return true;
  }

  async #flush(now: number): Promise<void> {
    const groups = [...this.#ofUsers.values(), ...this.#others.values()];
    const changed = groups.filter(({ count, stored }) => count > stored);
    for (let from = 0; from < changed.length; from += APPEND_BATCH) {
      const sent = changed.slice(from, from + APPEND_BATCH).map((group) => ({ group, count: group.count }));
      await this.#options.outbox.appendIfRoom(
        sent.map(({ group: { event, lastAt }, count }) => ({ ...event, lastAt, count })),
      );
      for (const { group, count } of sent) group.stored = count;
    }
    forgetPast(this.#ofUsers, now);
    forgetPast(this.#others, now);
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

function forgetPast(groups: Map<string, Group>, now: number): void {
  for (const [key, { event, count, stored }] of groups) {
    if (count === stored && event.at + WINDOW_MS <= now) groups.delete(key);
  }
}

function isOfUser(event: RepeatedEvent): boolean {
  return event.userId !== undefined;
}

/** Events with the same key are counted as one. The client is left out: a caller can name any. */
function keyOf(event: RepeatedEvent): string {
  const { kind, userId, sessionId, ipAddress, reason, details } = auditEventOf(event, '');
  const minute = Math.floor(event.at / WINDOW_MS);
  return JSON.stringify([minute, kind, userId, sessionId, ipAddress, reason, details]);
}

function withoutOrigin(event: RepeatedEvent): RepeatedEvent {
  return 'origin' in event ? { ...event, origin: UNKNOWN_ORIGIN } : event;
}

/** The event without user, session, address and client. */
function withoutPerson(event: RepeatedEvent): RepeatedEvent {
  const actor = { kind: 'credentials' } as const;
  const origin = UNKNOWN_ORIGIN;
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
