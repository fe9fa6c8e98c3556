import type { Clock } from '../../validator/clock.ts';
import { later } from '../../validator/revision.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import type { EndReason } from '../audit/end-reason.ts';
import { type Actor, type SecurityEvents, storeAndPublish } from '../audit/security-event.ts';
import type { RevocationLog } from '../revocation/revocation-log.ts';
import type { EndedSession } from './session.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionEnderOptions {
  readonly store: SessionStore;
  readonly log: RevocationLog;
  readonly clock: Clock;
  readonly events: SecurityEvents;
  readonly tombstoneTtlMs: number;
  /** Maximum lifetime of an access token plus the leeway for clock skew; milliseconds. */
  readonly accessTokenLifeMs: number;
  /** When the current log began. An end that was logged before that must be logged again. */
  readonly coveredSince: () => number;
}

type SessionRevocation = Extract<Revocation, { readonly kind: 'session' }>;

/**
 * How long the session store remembers a user's cut-off, in access token lifetimes. Logins and refreshes take seconds
 * between reading the user and the store step, and the cut-off must outlast them. The log alone needs one.
 */
const CUTOFF_LIVES = 4;

/** How many ends of one call are logged concurrently, so that one user with many sessions does not delay others. */
const LOGGED_AT_ONCE = 64;

const SERVICE: Actor = { kind: 'service' };

/** The ends that a call logged. */
export interface LoggedEnds {
  readonly count: number;
  /** The latest of their revisions. Undefined: there are none. */
  readonly revision: string | undefined;
}

/**
 * Ends sessions in the only safe order. First the session record ends, so that no new token can be issued. Then the
 * revocation is logged, so that live tokens are rejected everywhere.
 * An end is acknowledged only when both are durable and its security event is stored. After any other result, repeat the
 * call. Every step is idempotent.
 */
export class SessionEnder {
  readonly #options: SessionEnderOptions;

  constructor(options: SessionEnderOptions) {
    this.#options = options;
  }

  /** Returns the revision of the end, also if the session had ended before. */
  async end(
    userId: string,
    sessionId: string,
    reason: EndReason,
    actor: Actor,
  ): Promise<{ revision: string }> {
    const ended = await this.endRecord(userId, sessionId, reason);
    return { revision: await this.log(userId, ended, responsible(ended, reason, actor)) };
  }

  /** Like `end`, but undefined for a session that the store does not know, of which nothing is written. */
  async endKnown(
    userId: string,
    sessionId: string,
    reason: EndReason,
    actor: Actor,
  ): Promise<{ revision: string } | undefined> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    const ended = await store.endKnown({ userId, sessionId, reason, tombstoneTtlMs, now: clock.now() });
    return ended && { revision: await this.log(userId, ended, responsible(ended, reason, actor)) };
  }

  /**
   * Ends every session of the user except one. Sessions that are opened after the store step are not ended. Also logs
   * earlier ends that were interrupted.
   */
  async endOthers(
    userId: string,
    keptSessionId: string,
    reason: EndReason,
    actor: Actor,
  ): Promise<LoggedEnds> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    const ends = await store.endOthers({ userId, keptSessionId, reason, tombstoneTtlMs, now: clock.now() });
    return this.#logAll(userId, ends, reason, actor);
  }

  /**
   * Ends every session of the user that was opened before `securityVersion`, except one, and every sign-in in progress
   * that read the user before. Sessions that were opened since go on, so a repeat ends none of them. Otherwise as
   * `endOthers`.
   */
  async endOutdated(
    userId: string,
    securityVersion: number,
    keptSessionId: string,
    reason: EndReason,
    actor: Actor,
  ): Promise<LoggedEnds> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    const ends = await store.endOutdated({
      userId,
      securityVersion,
      keptSessionId,
      reason,
      tombstoneTtlMs,
      cutoffTtlMs: this.#cutoffTtlMs,
      now: clock.now(),
    });
    return this.#logAll(userId, ends, reason, actor);
  }

  async #logAll(
    userId: string,
    ends: readonly EndedSession[],
    reason: EndReason,
    actor: Actor,
  ): Promise<LoggedEnds> {
    let revision: string | undefined;
    for (let from = 0; from < ends.length; from += LOGGED_AT_ONCE) {
      const logging = ends
        .slice(from, from + LOGGED_AT_ONCE)
        .map((ended) => this.log(userId, ended, responsible(ended, reason, actor)));
      for (const logged of await Promise.all(logging)) revision = later(revision, logged);
    }
    return { count: ends.length, revision };
  }

  /**
   * Ends a session as REPLACED and logs it. If it ended before but was not logged, logs that end. Returns how it ended.
   */
  async replace(userId: string, sessionId: string, actor: Actor): Promise<EndedSession> {
    const ended = await this.endRecord(userId, sessionId, 'REPLACED');
    return { ...ended, revision: await this.log(userId, ended, responsible(ended, 'REPLACED', actor)) };
  }

  /**
   * Ends only the record of a session. Its end must be in the log, or be logged next. Returns the end in the record.
   *
   * @param endedAt default: now.
   */
  endRecord(
    userId: string,
    sessionId: string,
    reason: EndReason,
    endedAt = this.#options.clock.now(),
  ): Promise<EndedSession> {
    const { store, tombstoneTtlMs } = this.#options;
    return store.end({ userId, sessionId, reason, tombstoneTtlMs, now: endedAt });
  }

  /** Ends every session of the user, and every sign-in in progress that read the user before `securityVersion`. */
  async endUser(
    userId: string,
    securityVersion: number,
    reason: EndReason,
    actor: Actor,
  ): Promise<{ revision: string }> {
    const { revision, cutoff } = await this.#cutOff(userId, securityVersion, reason, undefined);
    const { events, clock } = this.#options;
    const ended = { userId, sessionId: undefined, reason, createdUntil: cutoff };
    await storeAndPublish(events, { kind: 'SessionEnded', at: clock.now(), actor, ...ended });
    return { revision };
  }

  /** Logs the end of a session whose record has already ended. Returns its revision. */
  async log(userId: string, ended: EndedSession, actor: Actor): Promise<string> {
    const { clock, coveredSince, accessTokenLifeMs, events } = this.#options;
    const { sessionId, reason, endedAt, loggedAt = endedAt } = ended;
    if (ended.revision !== undefined && loggedAt > coveredSince()) return ended.revision;
    const expiresAt = Math.max(endedAt, clock.now()) + accessTokenLifeMs;
    const event = { kind: 'SessionEnded', at: endedAt, actor, userId, sessionId, reason } as const;
    // An end that was logged before, in a log that was lost, has its event already.
    const isNew = ended.revision === undefined;
    // The record has ended, so the event is true even if the log fails. A repeat stores the same event again.
    const stored = isNew ? events.store(event) : undefined;
    const revision = await this.#append(
      { kind: 'session', userId, sessionId, reason, endedAt, expiresAt },
      stored,
    );
    if (isNew) events.publish(event);
    return revision;
  }

  /** Repeats an end that a failover undid: in the session record and in the log. */
  async reinstate(revocation: Revocation): Promise<void> {
    const reason = revocation.reason as EndReason;
    if (revocation.kind === 'user') {
      await this.#cutOff(revocation.userId, 0, reason, revocation.cutoff);
      return;
    }
    const { userId, sessionId, endedAt } = revocation;
    // Its deadline may have passed since.
    await this.endRecord(userId, sessionId, reason, endedAt);
    await this.#append(revocation);
  }

  get #cutoffTtlMs(): number {
    return CUTOFF_LIVES * this.#options.accessTokenLifeMs;
  }

  /**
   * Appends the end of a session to the log and notes that in its tombstone. The noted time is read first: if the log
   * loses the entry and begins anew meanwhile, the time is before that, and a repeat logs the end again.
   */
  async #append(revocation: SessionRevocation, stored?: Promise<unknown>): Promise<string> {
    const { store, log, clock } = this.#options;
    const { userId, sessionId } = revocation;
    const now = clock.now();
    const [revision] = await Promise.all([log.append(revocation, now), stored]);
    await store.markLogged(userId, sessionId, revision, now);
    return revision;
  }

  async #cutOff(userId: string, securityVersion: number, reason: EndReason, createdUpTo: number | undefined) {
    const { store, log, clock, tombstoneTtlMs, accessTokenLifeMs } = this.#options;
    const now = clock.now();
    const { cutoff, unlogged } = await store.endUser({
      userId,
      securityVersion,
      reason,
      tombstoneTtlMs,
      cutoffTtlMs: this.#cutoffTtlMs,
      now,
      ...(createdUpTo === undefined ? {} : { createdUpTo }),
    });
    // First, so that no validator takes the cut-off for the end of a session that ended before.
    await this.#logAll(userId, unlogged, reason, SERVICE);
    const expiresAt = Math.max(cutoff, now) + accessTokenLifeMs;
    const revision = await log.append({ kind: 'user', userId, cutoff, reason, endedAt: now, expiresAt }, now);
    return { revision, cutoff };
  }
}

/** A session that ended for another reason, for example at a deadline, was not ended by this actor. */
function responsible(ended: EndedSession, reason: EndReason, actor: Actor): Actor {
  return ended.reason === reason ? actor : SERVICE;
}
