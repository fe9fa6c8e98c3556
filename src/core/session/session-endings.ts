import type { Clock } from '../../validator/clock.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import type { EndReason } from '../audit/end-reason.ts';
import type { Actor, SecurityEvents } from '../audit/security-event.ts';
import type { RevocationLog } from '../revocation/revocation-log.ts';
import type { EndedSession } from './session.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionEndingsOptions {
  readonly store: SessionStore;
  readonly log: RevocationLog;
  readonly clock: Clock;
  readonly events: SecurityEvents;
  readonly tombstoneTtlMs: number;
  /** The longest an access token can live, with the leeway for skew; milliseconds. */
  readonly accessTokenLifeMs: number;
  /** When the log that is in use now began; an ending noted as logged before that has to be logged again. */
  readonly coveredSince: () => number;
}

/**
 * How many lives of an access token the session store remembers a user's cut-off. At logins and refreshes, seconds pass
 * between reading the user and the step in the store, and it must outlast these; the log alone needs one life.
 */
const CUTOFF_LIVES = 4;

/**
 * Ends sessions, in the one order that is safe: first the record, so that no new token can come of the session;
 * then the log, so that living ones are refused everywhere. Only when both are durable is an ending
 * acknowledged. Whoever is told otherwise repeats the call, and every step can be repeated.
 */
export class SessionEndings {
  readonly #options: SessionEndingsOptions;

  constructor(options: SessionEndingsOptions) {
    this.#options = options;
  }

  /** Answers the revision of the ending, whether it was this one or one before. */
  async end(
    userId: string,
    sessionId: string,
    reason: EndReason,
    actor: Actor,
  ): Promise<{ revision: string }> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    const ended = await store.end({ userId, sessionId, reason, tombstoneTtlMs, now: clock.now() });
    return { revision: await this.log(userId, ended, actor) };
  }

  /** Ends a session as REPLACED and logs it; completes an earlier end that was not logged. Answers how it ended. */
  async replace(userId: string, sessionId: string, actor: Actor): Promise<EndedSession> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    const how = { userId, sessionId, reason: 'REPLACED', tombstoneTtlMs, now: clock.now() } as const;
    const ended = await store.end(how);
    return { ...ended, revision: await this.log(userId, ended, actor) };
  }

  /** Ends the record of a session whose ending is in the log already; answers the ending that the record has. */
  endAgain(userId: string, sessionId: string, reason: EndReason): Promise<EndedSession> {
    const { store, clock, tombstoneTtlMs } = this.#options;
    return store.end({ userId, sessionId, reason, tombstoneTtlMs, now: clock.now() });
  }

  /** Ends every session of the user that exists or is being made with what was read before `securityVersion`. */
  async endUser(
    userId: string,
    securityVersion: number,
    reason: EndReason,
    actor: Actor,
  ): Promise<{ revision: string }> {
    const revision = await this.#cutOff(userId, securityVersion, reason, undefined);
    const { events, clock } = this.#options;
    events.publish({ kind: 'SessionEnded', at: clock.now(), actor, userId, sessionId: undefined, reason });
    return revision;
  }

  /** Puts an ending into the log that a session record already has. Answers its revision. */
  async log(userId: string, ended: EndedSession, actor: Actor): Promise<string> {
    const { store, log, clock, coveredSince, accessTokenLifeMs, events } = this.#options;
    if (ended.revision !== undefined && ended.endedAt > coveredSince()) return ended.revision;
    const { sessionId, reason, endedAt } = ended;
    const expiresAt = Math.max(endedAt, clock.now()) + accessTokenLifeMs;
    const revision = await log.append(
      { kind: 'session', userId, sessionId, reason, endedAt, expiresAt },
      clock.now(),
    );
    await store.markLogged(userId, sessionId, revision);
    // One that was logged before, in a log that was lost, is not published again.
    if (ended.revision === undefined) {
      events.publish({ kind: 'SessionEnded', at: endedAt, actor, userId, sessionId, reason });
    }
    return revision;
  }

  /** Ends again what a failover brought back to life: the record, and the entry in the log. */
  async reinstate(revocation: Revocation): Promise<void> {
    const { store, log, clock, tombstoneTtlMs } = this.#options;
    if (revocation.kind === 'user') {
      await this.#cutOff(revocation.userId, 0, revocation.reason as EndReason, revocation.cutoff);
      return;
    }
    const { userId, sessionId } = revocation;
    const reason = revocation.reason as EndReason;
    await store.end({ userId, sessionId, reason, tombstoneTtlMs, now: clock.now() });
    const revision = await log.append(revocation, clock.now());
    await store.markLogged(userId, sessionId, revision);
  }

  async #cutOff(userId: string, securityVersion: number, reason: EndReason, createdUpTo: number | undefined) {
    const { store, log, clock, tombstoneTtlMs, accessTokenLifeMs } = this.#options;
    const now = clock.now();
    const { cutoff } = await store.endUser({
      userId,
      securityVersion,
      reason,
      tombstoneTtlMs,
      cutoffTtlMs: CUTOFF_LIVES * accessTokenLifeMs,
      now,
      ...(createdUpTo === undefined ? {} : { createdUpTo }),
    });
    const expiresAt = Math.max(cutoff, now) + accessTokenLifeMs;
    const revision = await log.append({ kind: 'user', userId, cutoff, reason, endedAt: now, expiresAt }, now);
    return { revision };
  }
}
