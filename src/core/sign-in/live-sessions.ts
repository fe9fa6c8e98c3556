import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import { passedDeadline } from '../session/rotation.ts';
import type { Session, SessionRef } from '../session/session.ts';
import type { SessionStore } from '../session/session-store.ts';

export interface LiveSessionsOptions {
  readonly store: Pick<SessionStore, 'read'>;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Reads whether a session is live, from the session store and the revocation log. */
export class LiveSessions {
  readonly #options: LiveSessionsOptions;

  constructor(options: LiveSessionsOptions) {
    this.#options = options;
  }

  /** Reads the session. Undefined: it has ended, or there is none. Fails with STORE_UNAVAILABLE. */
  async find(ref: SessionRef): Promise<Session | undefined> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const found = await store.read(ref.userId, ref.sessionId, now);
    if (found.kind !== 'live' || passedDeadline(found.session, now) !== undefined) return undefined;
    return this.isKnownEnded(ref) ? undefined : found.session;
  }

  /** Whether the revocation log says that the session has ended. Asks no store. */
  isKnownEnded({ userId, sessionId }: SessionRef): boolean {
    const createdAt = createdAtOf(sessionId) ?? 0;
    return this.#options.revocations.endReasonOf(userId, sessionId, createdAt) !== undefined;
  }
}
