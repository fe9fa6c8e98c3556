import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import { type AuditTrail, type ListedAuditEvent, MAX_FILTERED_SESSIONS } from '../audit/audit-trail.ts';
import { type KnownEnd, knownEnd } from './known-end.ts';
import { type PastSession, pastSession } from './past-session.ts';
import type { Session } from './session.ts';
import type { SessionControl, SessionPage } from './session-control.ts';
import { sessionNotFound } from './session-failures.ts';
import { sessionState } from './session-state.ts';
import type { ReadOutcome, SessionStore } from './session-store.ts';
import { type TimelineEntry, timelineOf } from './session-timeline.ts';

export interface SessionHistoryOptions {
  readonly control: Pick<SessionControl, 'list' | 'living'>;
  readonly store: Pick<SessionStore, 'read'>;
  /** Detects a record that ended but was restored by a failover, and knows since when none can be lost. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf' | 'coveredSince'>;
  readonly trail: Pick<AuditTrail, 'list'>;
  readonly clock: Clock;
  /** Maximum lifetime of a session; milliseconds. */
  readonly maxTtlMs: number;
}

export interface FullSessionPage extends SessionPage {
  /** After `sessions`, newest sign-in first. */
  readonly ended: readonly PastSession[];
}

export interface ExplainedSession {
  readonly subject:
    | { readonly kind: 'live'; readonly session: Session }
    | { readonly kind: 'ended'; readonly session: PastSession };
  /** Oldest first: the sign-in, the newest `MAX_EVENTS` events, the last refresh and the end. */
  readonly entries: readonly TimelineEntry[];
  /** Whether entries between the sign-in and the others were left out. */
  readonly omitsEntries: boolean;
}

/** A session as it is looked up, and its sign-in in the trail. */
interface Subject {
  readonly userId: string;
  readonly sessionId: string;
  readonly createdAt: number;
  readonly signedIn: ListedAuditEvent | undefined;
}

/** Before the id of an event in a page token: the living sessions have been listed. */
export const ENDED_PAGE = 'ended:';
const FIRST_ENDED_PAGE = `${ENDED_PAGE}ffffffff-ffff-ffff-ffff-ffffffffffff`;

/** How long an ended session is listed; milliseconds. */
const LISTED_MS = 30 * 86_400_000;
/** Events of one session that are read. */
const MAX_EVENTS = 200;
/** A session that a failover restored may have ended twice. */
const ENDS_PER_SESSION = 2;
/** Ends of all sessions of one user that are read. */
const MAX_ENDS_OF_ALL = 1_000;
/** How long after the id of a session was made its sign-in is stored, at most; milliseconds. */
const SIGN_IN_MS = 60_000;
/** Upper bound of the difference between two servers' clocks; milliseconds. */
const CLOCK_SKEW_MS = 10_000;

/** Sessions as the session store and the audit trail know them together: living or ended, and what happened to them. */
export class SessionHistory {
  readonly #options: SessionHistoryOptions;

  constructor(options: SessionHistoryOptions) {
    this.#options = options;
  }

  /**
   * Lists the living sessions of a user, then those that ended in the last 30 days; each newest sign-in first. A page
   * costs three queries of the trail and reads at most 100 records. Fails with STORE_UNAVAILABLE.
   *
   * @param after `next` of the previous page.
   */
  async list(userId: string, limit: number, after?: string): Promise<FullSessionPage> {
    const afterEvent = after?.startsWith(ENDED_PAGE) ? after.slice(ENDED_PAGE.length) : undefined;
    const { sessions, next } =
      afterEvent === undefined ? await this.#options.control.list(userId, limit, after) : NO_SESSIONS;
    if (next !== undefined) return { sessions, ended: [], next };
    const room = limit - sessions.length;
    if (room === 0) return { sessions, ended: [], next: FIRST_ENDED_PAGE };
    return { sessions, ...(await this.#listEnded(userId, room, afterEvent)) };
  }

  /**
   * Tells what happened to a session. Fails with SESSION_NOT_FOUND if nothing is known of it or it belongs to another
   * user, and STORE_UNAVAILABLE.
   *
   * @param userId undefined: the trail says whose session it is.
   */
  async explain(sessionId: string, userId?: string): Promise<ExplainedSession> {
    const { trail } = this.#options;
    const createdAt = createdAtOf(sessionId);
    if (createdAt === undefined) throw sessionNotFound();
    const { events: newest, next } = await trail.list({ sessionId }, MAX_EVENTS);
    const events = newest.filter((event) => userId === undefined || event.userId === userId);
    const owner = userId ?? events[0]?.userId ?? '';
    if (owner === '') throw sessionNotFound();
    const opening = { from: createdAt - CLOCK_SKEW_MS, until: createdAt + SIGN_IN_MS };
    const isOpening = { userId: owner, kind: 'SignedIn', ...opening };
    const signedIn =
      events.find(({ kind }) => kind === 'SignedIn') ??
      (next === undefined ? undefined : (await trail.list({ sessionId, ...isOpening }, 1)).events[0]);
    const subject: Subject = { userId: owner, sessionId, createdAt, signedIn };
    const [found, endsOfAll] = await Promise.all([this.#read(subject), this.#endsOfAll(owner, createdAt)]);
    if (events.length === 0 && found.kind === 'missing') throw sessionNotFound();
    return this.#explained(subject, { events, found, endsOfAll, omitsEntries: next !== undefined });
  }

  #explained(
    subject: Subject,
    given: {
      readonly events: readonly ListedAuditEvent[];
      readonly found: ReadOutcome;
      readonly endsOfAll: readonly ListedAuditEvent[];
      readonly omitsEntries: boolean;
    },
  ): ExplainedSession {
    const { createdAt, signedIn } = subject;
    const { events, found, endsOfAll, omitsEntries } = given;
    const ownEnd = events.find(({ kind }) => kind === 'SessionEnded');
    const others = events.filter((event) => event !== ownEnd);
    const livedAt = Math.max(createdAt, ...others.filter(isSignOfLife).map(({ lastAt }) => lastAt));
    const end = this.#endOf(subject, { found, ownEnd, endsOfAll, livedAt });
    const living = end === undefined && found.kind === 'live' ? found.session : undefined;
    const entries = timelineOf({ createdAt, signedIn, events, living, end });
    if (end === undefined && living !== undefined) {
      return { subject: { kind: 'live', session: living }, entries, omitsEntries };
    }
    if (end === undefined) throw new Error('a session that does not live has an end');
    return {
      subject: { kind: 'ended', session: pastSession(subject, signedIn, end) },
      entries,
      omitsEntries,
    };
  }

  async #listEnded(
    userId: string,
    limit: number,
    after: string | undefined,
  ): Promise<Pick<FullSessionPage, 'ended' | 'next'>> {
    const { trail, control, clock, maxTtlMs } = this.#options;
    const endedSince = clock.now() - LISTED_MS;
    const { events, next } = await trail.list(
      { userId, kind: 'SignedIn' },
      Math.min(limit, MAX_FILTERED_SESSIONS),
      after,
    );
    const living = new Set((await control.living(userId)).map(({ sessionId }) => sessionId));
    const subjects = events
      .filter(({ sessionId }) => !living.has(sessionId))
      .map((event) => subjectOf(event));
    const ended = (await this.#endsOf(userId, subjects)).filter(({ end }) => end.notAfter >= endedSince);
    const oldest = events.at(-1)?.at ?? 0;
    return {
      ended,
      next: next !== undefined && oldest + maxTtlMs >= endedSince ? ENDED_PAGE + next : undefined,
    };
  }

  /** How each of these sessions of a user ended. Leaves out those that live. */
  async #endsOf(userId: string, subjects: readonly Subject[]): Promise<readonly PastSession[]> {
    const oldest = subjects.at(-1);
    if (oldest === undefined) return [];
    const sessionIds = subjects.map(({ sessionId }) => sessionId);
    const { trail } = this.#options;
    const [own, endsOfAll] = await Promise.all([
      trail.list({ sessionIds, kind: 'SessionEnded' }, ENDS_PER_SESSION * MAX_FILTERED_SESSIONS),
      this.#endsOfAll(userId, oldest.createdAt),
    ]);
    // Of several, the newest counts, as in `explain`.
    const ownEnds = new Map(own.events.toReversed().map((event) => [event.sessionId, event]));
    const ended = subjects.map(async (subject): Promise<readonly PastSession[]> => {
      const ownEnd = ownEnds.get(subject.sessionId);
      const found = ownEnd === undefined ? await this.#read(subject) : undefined;
      const end = this.#endOf(subject, { found, ownEnd, endsOfAll, livedAt: subject.createdAt });
      return end === undefined ? [] : [pastSession(subject, subject.signedIn, end)];
    });
    return (await Promise.all(ended)).flat();
  }

  /** Undefined: the session is living. @param given.found undefined: the record was not read. */
  #endOf(
    { userId, sessionId, createdAt, signedIn }: Subject,
    given: {
      readonly found: ReadOutcome | undefined;
      readonly ownEnd: ListedAuditEvent | undefined;
      readonly endsOfAll: readonly ListedAuditEvent[];
      readonly livedAt: number;
    },
  ): KnownEnd | undefined {
    const { revocations, clock } = this.#options;
    const now = clock.now();
    const { found, ...facts } = given;
    const logged = revocations.endReasonOf(userId, sessionId, createdAt);
    const state = found && sessionState(found, logged, now);
    if (state?.kind === 'live') return undefined;
    const { coveredSince } = revocations;
    return knownEnd({ ...facts, createdAt, signedIn, state, coveredSince, now });
  }

  #read({ userId, sessionId }: Subject): Promise<ReadOutcome> {
    const { store, clock } = this.#options;
    return store.read(userId, sessionId, clock.now());
  }

  /** The ends of all sessions of a user that can have ended a session created at that time. */
  async #endsOfAll(userId: string, createdAt: number): Promise<readonly ListedAuditEvent[]> {
    const filter = {
      userId,
      sessionId: '',
      kind: 'SessionEnded',
      from: Math.max(0, createdAt - CLOCK_SKEW_MS),
    };
    return (await this.#options.trail.list(filter, MAX_ENDS_OF_ALL)).events;
  }
}

const NO_SESSIONS: SessionPage = { sessions: [], next: undefined };

function subjectOf(signedIn: ListedAuditEvent): Subject {
  const { userId, sessionId, at } = signedIn;
  return { userId, sessionId, createdAt: createdAtOf(sessionId) ?? at, signedIn };
}

/** Whether the session was living when this happened. */
function isSignOfLife({ kind }: ListedAuditEvent): boolean {
  return kind === 'RefreshReplayed' || kind === 'SessionMoved';
}
