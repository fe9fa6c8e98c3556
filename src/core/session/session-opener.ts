import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { AuditOutbox } from '../audit/audit-outbox.ts';
import {
  type AcknowledgedEvent,
  type Actor,
  type EventOrigin,
  type OpenedFacts,
  type SecurityEvents,
  storeAndPublish,
} from '../audit/security-event.ts';
import type { IdSource } from '../ids.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import { invalidCredentials } from '../user/user-failures.ts';
import { limitOf } from './device-policy.ts';
import { KeyedQueue } from './keyed-queue.ts';
import {
  type Device,
  deviceMark,
  type EndedSession,
  type IssuedTokens,
  type Labels,
  type Session,
  type SessionPolicy,
  type SessionSummary,
} from './session.ts';
import type { SessionEnder } from './session-ender.ts';
import { noRoom } from './session-failures.ts';
import type { CreateOutcome, SessionStore } from './session-store.ts';
import type { SessionTokens, SessionWithTokens } from './session-tokens.ts';

export interface SessionOpenerOptions {
  readonly store: SessionStore;
  readonly ender: Pick<SessionEnder, 'end' | 'replace'>;
  readonly events: SecurityEvents;
  /** Where the event of a sign-in is stored. */
  readonly outbox: Pick<AuditOutbox, 'checkRoom'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly tokens: SessionTokens;
  readonly policy: SessionPolicy;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** Facts about a sign-in besides the user. */
export interface SignIn {
  readonly clientId: string;
  readonly device: Device;
  readonly ipAddress: string;
  readonly labels: Labels;
  readonly isNewDevice: boolean;
  readonly authenticationMethods: readonly string[];
  /** The session ends after this time at the latest; milliseconds. Undefined: as the policy says. */
  readonly lifetimeMs?: number | undefined;
}

/** What proved who the user is. */
export interface SignInProof {
  readonly actor: Actor;
  /** The id of the session to open, if it was chosen before. Then a repeat cannot open a second one. */
  readonly sessionId?: string;
  /** The identity provider that vouched for the user. Default: none. */
  readonly provider?: string;
}

export interface OpenedSession extends SessionWithTokens {
  readonly kind: 'opened';
  readonly replaced: readonly EndedSession[];
}

/** The user has as many sessions as the device policy allows, and it replaces none. Nothing was opened. */
export interface SessionLimitReached {
  readonly kind: 'session-limit';
  /** Sessions of which one must end first, oldest first; at most `MAX_LISTED_SESSIONS`. */
  readonly sessions: readonly SessionSummary[];
}

export type OpenOutcome = OpenedSession | SessionLimitReached;

/** The user is at the session limit, and another session must end first. Nothing was opened. */
export interface RoomNeeded {
  readonly kind: 'room-needed';
  /** Waits for its turn, ends sessions, and opens the new one. Fails like `open`. */
  makeRoom(): Promise<OpenOutcome>;
}

/** The result of one attempt to open a session. */
interface Attempt {
  readonly session: Session;
  readonly outcome: CreateOutcome;
  readonly now: number;
}

/** Maximum attempts of a login to make room. Logins of the same user in other processes may use the room first. */
const MAX_OPEN_ATTEMPTS = 50;
/** A login that waits longer than this for other logins of its user fails and ends no session; milliseconds. */
const MAX_ROOM_WAIT_MS = 1_000;

const CREDENTIALS: SignInProof = { actor: { kind: 'credentials' } };
const SERVICE: Actor = { kind: 'service' };

/** What one sign-in asks for. */
interface Wanted {
  readonly signIn: SignIn;
  readonly endSessionId: string;
  readonly proof: SignInProof;
}

/** Opens sessions: every kind of sign-in ends here. Makes room for a new session as the device policy says. */
export class SessionOpener {
  readonly #options: SessionOpenerOptions;
  /**
   * One login per user makes room at a time. In parallel, logins would use each other's room and end ever more
   * sessions.
   */
  readonly #makingRoom = new KeyedQueue();

  constructor(options: SessionOpenerOptions) {
    this.#options = options;
  }

  /**
   * Opens a session for a user whose credentials were checked against exactly this record.
   *
   * Fails with INVALID_CREDENTIALS if the user's sessions were ended after the record was read. Fails with
   * END_UNCONFIRMED or STORE_UNAVAILABLE if a session that must make room is not confirmed as ended. In both cases it
   * opens nothing. Fails with STORE_UNAVAILABLE if the sign-in cannot be stored for the audit trail; then the session
   * has ended again.
   *
   * The password check may take longer than the store remembers a cut-off. So the user is read again here. The store
   * detects later changes.
   *
   * @param endSessionId the session that the user chose to end at the limit; empty: none.
   * @param proof default: username and password.
   */
  async open(
    checked: User,
    signIn: SignIn,
    endSessionId = '',
    proof: SignInProof = CREDENTIALS,
  ): Promise<OpenOutcome> {
    const outcome = await this.tryOpen(checked, signIn, endSessionId, proof);
    return outcome.kind === 'room-needed' ? outcome.makeRoom() : outcome;
  }

  /** As `open`, but does not wait until there is room for the session. */
  async tryOpen(
    checked: User,
    signIn: SignIn,
    endSessionId = '',
    proof: SignInProof = CREDENTIALS,
  ): Promise<OpenOutcome | RoomNeeded> {
    const { users } = this.#options;
    const user = await users.findById(checked.userId);
    if (user?.disabledAt !== undefined || user?.securityVersion !== checked.securityVersion) {
      return this.#refuse(checked.userId);
    }
    const wanted = { signIn, endSessionId, proof };
    const first = await this.#attempt(user, wanted);
    if (first.outcome.kind !== 'full') return this.#opened(user, first, proof, []);
    return { kind: 'room-needed', makeRoom: () => this.#makeRoom(user, wanted) };
  }

  /** Resolves if a session of this user, and its security event, can be stored now. Fails with STORE_UNAVAILABLE. */
  async checkStore(userId: string): Promise<void> {
    const { store, outbox } = this.#options;
    await Promise.all([store.ping(userId), outbox.checkRoom()]);
  }

  /**
   * Rejects a sign-in with INVALID_CREDENTIALS, after the same store steps that `open` starts with. If a store is
   * unavailable, both fail in the same way. So the error does not reveal which credentials were right.
   */
  async refuse(userId: string): Promise<never> {
    await this.#options.users.findById(userId);
    return this.#refuse(userId);
  }

  async #refuse(userId: string): Promise<never> {
    await this.checkStore(userId);
    throw invalidCredentials();
  }

  #makeRoom(user: User, wanted: Wanted): Promise<OpenOutcome> {
    const { clock } = this.#options;
    const since = clock.monotonic();
    return this.#makingRoom.run(user.userId, () => {
      if (clock.monotonic() - since > MAX_ROOM_WAIT_MS) throw noRoom();
      return this.#openWithRoom(user, wanted);
    });
  }

  /** Retries after every end, because another login may use the room first. */
  async #openWithRoom(user: User, wanted: Wanted): Promise<OpenOutcome> {
    const { proof } = wanted;
    const ended: EndedSession[] = [];
    for (let attempt = 1; attempt <= MAX_OPEN_ATTEMPTS; attempt += 1) {
      const made = await this.#attempt(user, wanted);
      if (made.outcome.kind !== 'full') return this.#opened(user, made, proof, ended);
      if (attempt === MAX_OPEN_ATTEMPTS) break;
      for (const sessionId of made.outcome.toEnd) {
        ended.push(await this.#options.ender.replace(user.userId, sessionId, proof.actor));
      }
    }
    throw noRoom();
  }

  async #opened(
    user: User,
    { session, outcome, now }: Attempt,
    proof: SignInProof,
    ended: readonly EndedSession[],
  ): Promise<OpenOutcome> {
    const { actor } = proof;
    if (outcome.kind === 'refused') return this.#limitReached(session, actor, outcome.sessions);
    if (outcome.kind !== 'created') throw invalidCredentials();
    const tokens = await this.#issueOrDiscard(session, user, proof, now);
    const replaced = [...ended, ...(await this.#tryReplace(user, actor, outcome.replaced))];
    return { kind: 'opened', session, tokens, replaced };
  }

  #limitReached(
    { userId, ipAddress, clientId }: Session,
    actor: Actor,
    sessions: readonly SessionSummary[],
  ): SessionLimitReached {
    const { events, clock } = this.#options;
    const origin: EventOrigin = { ipAddress, clientId };
    const at = clock.now();
    events.publish({ kind: 'SignInRefused', at, actor, userId, reason: '', origin });
    return { kind: 'session-limit', sessions };
  }

  /** Creates the record. Retries with a later id if the first one is not after the user's cut-off. A chosen id stays. */
  async #attempt(user: User, { signIn, endSessionId, proof }: Wanted): Promise<Attempt> {
    const { ids, clock } = this.#options;
    const now = clock.now();
    const create = (sessionId: string) => this.#create(user, signIn, { sessionId, endSessionId, now });
    if (proof.sessionId !== undefined) return create(proof.sessionId);
    const first = await create(ids.next(now));
    return first.outcome.kind === 'clock-behind' ? create(ids.next(first.outcome.cutoff + 1)) : first;
  }

  /**
   * Completes the ends of the sessions that `create` replaced, mostly on the same device. Leaves out any that cannot be
   * completed now; a later login completes them.
   */
  async #tryReplace(
    { userId }: User,
    actor: Actor,
    replaced: readonly EndedSession[],
  ): Promise<EndedSession[]> {
    const { ender } = this.#options;
    const results = await Promise.allSettled(
      replaced.map(({ sessionId }) => ender.replace(userId, sessionId, actor)),
    );
    return results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  }

  async #create(
    user: User,
    signIn: SignIn,
    { sessionId, endSessionId, now }: { sessionId: string; endSessionId: string; now: number },
  ): Promise<Attempt> {
    const { store, policy } = this.#options;
    const createdAt = createdAtOf(sessionId) ?? now;
    // Later than `createdAt` if the id was chosen before.
    const openedAt = Math.max(createdAt, now);
    const { lifetimeMs = policy.maxTtlMs, ...facts } = signIn;
    const absoluteDeadline = createdAt + Math.min(policy.maxTtlMs, lifetimeMs);
    const session: Session = {
      ...facts,
      latestIpAddress: signIn.ipAddress,
      sessionId,
      userId: user.userId,
      createdAt,
      lastSeenAt: openedAt,
      idleDeadline: Math.min(openedAt + policy.idleTtlMs, absoluteDeadline),
      absoluteDeadline,
      generation: 1,
      securityVersion: user.securityVersion,
    };
    const { devicePolicy, tombstoneTtlMs } = policy;
    const limit = limitOf(user, devicePolicy);
    const outcome = await store.create({ session, limit, endSessionId, tombstoneTtlMs, now });
    return { session, outcome, now };
  }

  /** Issues the tokens of a new session and stores the sign-in. If either fails, ends the session. */
  async #issueOrDiscard(
    session: Session,
    user: User,
    proof: SignInProof,
    now: number,
  ): Promise<IssuedTokens> {
    const { tokens, events } = this.#options;
    try {
      const issued = await tokens.issue(session, user.roles, now);
      await storeAndPublish(events, signedIn(session, proof));
      return issued;
    } catch (error) {
      await this.#discard(session);
      throw error;
    }
  }

  /** No token of this session was issued. If it cannot be ended, it ends at its idle deadline. */
  async #discard({ userId, sessionId }: Session): Promise<void> {
    try {
      await this.#options.ender.end(userId, sessionId, 'REPLACED', SERVICE);
    } catch {
      return;
    }
  }
}

/** The event of a sign-in. The same for a session, however often it is made. */
export function signedIn(session: Session, { actor, provider = '' }: SignInProof): AcknowledgedEvent {
  const { userId, sessionId, createdAt: at, ipAddress, clientId, device } = session;
  const opened: OpenedFacts = {
    deviceName: device.name,
    platform: device.platform,
    deviceMark: deviceMark(session),
    methods: session.authenticationMethods.join(' '),
    provider,
    idleDeadline: session.idleDeadline,
    absoluteDeadline: session.absoluteDeadline,
  };
  return { kind: 'SignedIn', at, actor, userId, sessionId, opened, origin: { ipAddress, clientId } };
}
