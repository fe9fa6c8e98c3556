import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { platformKey } from '../session/device-policy.ts';
import { deviceMark, type Session } from '../session/session.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { PastSignIn } from './risk-signals.ts';

export interface SignInHistoryOptions {
  readonly trail: Pick<AuditTrail, 'list'>;
  readonly store: Pick<SessionStore, 'list'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** How far back sign-ins are compared; milliseconds. */
const MEMORY_MS = 90 * 86_400_000;
/** How many sign-ins are compared. */
const MAX_SIGN_INS = 100;

/** The earlier sign-ins of a user. Fails with STORE_UNAVAILABLE. */
export class SignInHistory {
  readonly #options: SignInHistoryOptions;

  constructor(options: SignInHistoryOptions) {
    this.#options = options;
  }

  /** The sign-ins in the audit trail: one indexed read. A sign-in gets there within about a second. */
  async recorded(userId: string): Promise<readonly PastSignIn[]> {
    return [...(await this.#recorded(userId)).values()];
  }

  /** The recorded sign-ins, and those of the living sessions, which were also where they were last refreshed. */
  async complete(userId: string): Promise<readonly PastSignIn[]> {
    return this.#complete(userId, (session) => session);
  }

  /** As `complete`, as it was before a session moved. */
  async before(moved: Session, previousIpAddress: string): Promise<readonly PastSignIn[]> {
    return this.#complete(moved.userId, (session) =>
      session.sessionId === moved.sessionId ? { ...session, latestIpAddress: previousIpAddress } : session,
    );
  }

  async #complete(userId: string, asBefore: (session: Session) => Session): Promise<readonly PastSignIn[]> {
    const { store, clock } = this.#options;
    const [recorded, living] = await Promise.all([this.#recorded(userId), store.list(userId, clock.now())]);
    const sessions = living.map((session) => [session.sessionId, ofSession(asBefore(session))] as const);
    return [...new Map([...recorded, ...sessions]).values()];
  }

  /** By session id. */
  async #recorded(userId: string): Promise<ReadonlyMap<string, PastSignIn>> {
    const { trail, clock } = this.#options;
    const filter = { userId, kind: 'SignedIn', from: clock.now() - MEMORY_MS };
    const { events } = await trail.list(filter, MAX_SIGN_INS);
    return new Map(events.map((event) => [event.sessionId, ofEvent(event)]));
  }
}

function ofEvent({ at, ipAddress, details }: AuditEvent): PastSignIn {
  const { device_mark: mark, platform = '' } = details;
  return { at, deviceMark: mark, platform: platformKey({ platform }), ipAddresses: [ipAddress] };
}

function ofSession(session: Session): PastSignIn {
  return {
    at: createdAtOf(session.sessionId) ?? session.createdAt,
    deviceMark: deviceMark(session),
    platform: platformKey(session.device),
    ipAddresses: [session.ipAddress, session.latestIpAddress],
  };
}
