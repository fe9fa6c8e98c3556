import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import { passedDeadline } from '../session/rotation.ts';
import type { Session } from '../session/session.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { Approver } from './qr-ticket.ts';

export interface ApproverSessionsOptions {
  readonly store: Pick<SessionStore, 'read'>;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The sessions of approvers, as they are now. */
export class ApproverSessions {
  readonly #options: ApproverSessionsOptions;

  constructor(options: ApproverSessionsOptions) {
    this.#options = options;
  }

  /** Reads the session. Undefined: it does not live. Fails with STORE_UNAVAILABLE. */
  async living(approver: Approver): Promise<Session | undefined> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const found = await store.read(approver.userId, approver.sessionId, now);
    if (found.kind !== 'live' || passedDeadline(found.session, now) !== undefined) return undefined;
    return this.isKnownEnded(approver) ? undefined : found.session;
  }

  /** Whether the revocation log says that the session has ended. Asks no store. */
  isKnownEnded({ userId, sessionId }: Approver): boolean {
    const createdAt = createdAtOf(sessionId) ?? 0;
    return this.#options.revocations.endReasonOf(userId, sessionId, createdAt) !== undefined;
  }
}
