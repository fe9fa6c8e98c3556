import type { Clock } from '../../validator/clock.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import type { Actor } from '../audit/security-event.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import { userNotFound } from '../user/user-failures.ts';
import type { Session } from './session.ts';
import type { LoggedEnds, SessionEnder } from './session-ender.ts';
import { sessionNotFound } from './session-failures.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionControlOptions {
  readonly store: Pick<SessionStore, 'list'>;
  readonly ender: Pick<SessionEnder, 'endKnown' | 'endOthers' | 'endUser'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly clock: Clock;
}

export interface SessionPage {
  /** Newest first. */
  readonly sessions: readonly Session[];
  /** Id of the last session of this page; undefined: this is the last page. */
  readonly next: string | undefined;
}

/** Lists the sessions of a user, and ends them by their ids: for the user and for administrators. */
export class SessionControl {
  readonly #options: SessionControlOptions;

  constructor(options: SessionControlOptions) {
    this.#options = options;
  }

  /**
   * Lists the user's living sessions, newest first. Fails with STORE_UNAVAILABLE.
   *
   * @param before the id of the last session of the previous page. It need not exist.
   */
  async list(userId: string, limit: number, before?: string): Promise<SessionPage> {
    const living = await this.living(userId);
    // The creation time is in the id, so the order of ids is the order of sign-ins.
    const rest = living.filter(({ sessionId }) => before === undefined || sessionId < before);
    const sessions = rest.slice(0, limit);
    return { sessions, next: rest.length > limit ? sessions.at(-1)?.sessionId : undefined };
  }

  /** All living sessions of the user, newest first. Fails with STORE_UNAVAILABLE. */
  async living(userId: string): Promise<readonly Session[]> {
    const { store, revocations, clock } = this.#options;
    const living = await store.list(userId, clock.now());
    return living.filter(
      ({ sessionId, createdAt }) => revocations.endReasonOf(userId, sessionId, createdAt) === undefined,
    );
  }

  /** Ends one session. Fails with SESSION_NOT_FOUND if the user has no such session, and END_UNCONFIRMED. */
  async end(
    userId: string,
    sessionId: string,
    reason: 'ENDED_BY_USER' | 'ENDED_BY_ADMIN',
    actor: Actor,
  ): Promise<{ readonly revision: string }> {
    const ended = await this.#options.ender.endKnown(userId, sessionId, reason, actor);
    if (ended === undefined) throw sessionNotFound();
    return ended;
  }

  /** Ends all sessions of the user except one; see `SessionEnder.endOthers`. Fails with END_UNCONFIRMED. */
  endOthers(userId: string, keptSessionId: string, actor: Actor): Promise<LoggedEnds> {
    return this.#options.ender.endOthers(userId, keptSessionId, 'ENDED_BY_USER', actor);
  }

  /**
   * Ends all sessions of a user. The user's security version stays, so a sign-in that completes later is not ended.
   * Fails with USER_NOT_FOUND, END_UNCONFIRMED.
   */
  async endAll(userId: string, actor: Actor): Promise<{ readonly revision: string }> {
    const { users, ender } = this.#options;
    const user = await users.findById(userId);
    if (user === undefined) throw userNotFound();
    return ender.endUser(userId, user.securityVersion, 'ENDED_BY_ADMIN', actor);
  }
}
