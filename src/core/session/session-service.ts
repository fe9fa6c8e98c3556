import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { TokenVerifier } from '../../validator/token-verifier.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import type { AuditOutbox } from '../audit/audit-outbox.ts';
import type { EndReason } from '../audit/end-reason.ts';
import type { Actor, EventOrigin, SecurityEvents } from '../audit/security-event.ts';
import { Failure, type FailureReason, storeUnavailable } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import { invalidCredentials } from '../user/user-failures.ts';
import type { AccessTokenIssuer } from './access-token-issuer.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { MAX_GENERATION, type RefreshGrant, type RefreshTokens } from './refresh-token.ts';
import type { Device, EndedSession, IssuedTokens, Labels, Session, SessionPolicy } from './session.ts';
import type { SessionEnder } from './session-ender.ts';
import type { CreateOutcome, RotateOutcome, SessionStore } from './session-store.ts';

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly ender: SessionEnder;
  readonly events: SecurityEvents;
  /** Where the event of a sign-in is stored. */
  readonly outbox: Pick<AuditOutbox, 'checkRoom'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly accessTokens: AccessTokenIssuer;
  readonly refreshTokens: RefreshTokens;
  readonly verifier: TokenVerifier;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly issuer: string;
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
  readonly authenticationMethods: readonly string[];
}

export interface RefreshAttempt {
  readonly refreshToken: string;
  /** The client that presents the token; empty: not compared with the session's. */
  readonly clientId: string;
  /** The client's IP address; empty: unknown. */
  readonly ipAddress: string;
}

export interface SessionWithTokens {
  readonly session: Session;
  readonly tokens: IssuedTokens;
}

export interface OpenedSession extends SessionWithTokens {
  readonly replaced: readonly EndedSession[];
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

const CREDENTIALS: Actor = { kind: 'credentials' };
const SERVICE: Actor = { kind: 'service' };

/** Opens, refreshes and ends sessions. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  /**
   * One login per user makes room at a time. In parallel, logins would use each other's room and end ever more
   * sessions.
   */
  readonly #makingRoom = new KeyedQueue();

  constructor(options: SessionServiceOptions) {
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
   */
  async open(checked: User, signIn: SignIn): Promise<OpenedSession> {
    const { users, clock } = this.#options;
    const user = await users.findById(checked.userId);
    if (user?.disabledAt !== undefined || user?.securityVersion !== checked.securityVersion) {
      return this.#refuse(checked.userId);
    }
    const first = await this.#attempt(user, signIn);
    if (first.outcome.kind !== 'full') return this.#opened(user, first, []);
    const since = clock.monotonic();
    return this.#makingRoom.run(user.userId, () => {
      if (clock.monotonic() - since > MAX_ROOM_WAIT_MS) throw noRoom();
      return this.#openWithRoom(user, signIn);
    });
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

  /**
   * Exchanges a refresh token; see `decideRotation`.
   *
   * Fails with INVALID_REFRESH_TOKEN (also for a token of another client), SESSION_ENDED and STORE_UNAVAILABLE. Fails
   * with END_UNCONFIRMED if the end of a session may not be durable.
   */
  async refresh(attempt: RefreshAttempt): Promise<SessionWithTokens> {
    const { clientId, ipAddress } = attempt;
    const { clock, events } = this.#options;
    const grant = this.#grantOf(attempt.refreshToken);
    const now = clock.now();
    await this.#refuseIfKnownEnded(grant);
    let user = await this.#currentUser(grant);
    let outcome = await this.#rotate(grant, attempt, user, now);
    if (outcome.kind === 'user-changed') {
      user = await this.#currentUser(grant);
      outcome = await this.#rotate(grant, attempt, user, now);
    }
    switch (outcome.kind) {
      case 'rotated':
      case 'replayed': {
        const { session } = outcome;
        const tokens = await this.#issue(session, user, now);
        const kind = outcome.kind === 'rotated' ? 'Refreshed' : 'RefreshReplayed';
        const origin: EventOrigin = { ipAddress, clientId: session.clientId };
        events.publish({ kind, at: clock.now(), actor: holderOf(session), ...idsOf(session), origin });
        return { session, tokens };
      }
      case 'reused':
      case 'ended':
        await this.#logIfNeeded(grant.userId, outcome.ended);
        throw sessionEnded(outcome.ended);
      case 'missing':
        throw sessionEnded(undefined);
      case 'other-client': {
        const reason: FailureReason = 'INVALID_REFRESH_TOKEN';
        const actor = holderOf({ ...grant, clientId });
        const origin: EventOrigin = { ipAddress, clientId };
        events.publish({ kind: 'RefreshRefused', at: clock.now(), actor, ...idsOf(grant), reason, origin });
        throw invalidRefreshToken('This refresh token was issued to another client.');
      }
      case 'user-changed':
        throw storeUnavailable(
          'users',
          new Error('the user record is older than the cut-off of its sessions'),
        );
    }
  }

  /** Ends the session of a refresh token of any generation. Fails with INVALID_REFRESH_TOKEN, END_UNCONFIRMED. */
  async logoutByRefreshToken(refreshToken: string): Promise<{ revision: string }> {
    const { userId, sessionId } = this.#grantOf(refreshToken);
    const actor = holderOf({ userId, sessionId, clientId: '' });
    return this.#options.ender.end(userId, sessionId, 'LOGGED_OUT', actor);
  }

  /** Ends the session of an access token, expired or not. Fails with INVALID_ACCESS_TOKEN, END_UNCONFIRMED. */
  async logoutByAccessToken(accessToken: string): Promise<{ revision: string }> {
    const { verifier, issuer, ender } = this.#options;
    const verified = verifier.findCached(accessToken) ?? (await verifier.verify(accessToken));
    if ('reason' in verified || verified.claims.issuer !== issuer) {
      throw new Failure('INVALID_ACCESS_TOKEN', 'This is not an access token of this service.');
    }
    const { userId, sessionId } = verified.claims;
    return ender.end(userId, sessionId, 'LOGGED_OUT', holderOf(verified.claims));
  }

  async #refuse(userId: string): Promise<never> {
    await this.checkStore(userId);
    throw invalidCredentials();
  }

  /** Retries after every end, because another login may use the room first. */
  async #openWithRoom(user: User, signIn: SignIn): Promise<OpenedSession> {
    const ended: EndedSession[] = [];
    for (let attempt = 1; attempt <= MAX_OPEN_ATTEMPTS; attempt += 1) {
      const made = await this.#attempt(user, signIn);
      if (made.outcome.kind !== 'full') return this.#opened(user, made, ended);
      if (attempt === MAX_OPEN_ATTEMPTS) break;
      for (const sessionId of made.outcome.toEnd) {
        ended.push(await this.#options.ender.replace(user.userId, sessionId, CREDENTIALS));
      }
    }
    throw noRoom();
  }

  async #opened(
    user: User,
    { session, outcome, now }: Attempt,
    ended: readonly EndedSession[],
  ): Promise<OpenedSession> {
    if (outcome.kind !== 'created') throw invalidCredentials();
    const tokens = await this.#issueOrDiscard(session, user, now);
    return { session, tokens, replaced: [...ended, ...(await this.#tryReplace(user, outcome.replaced))] };
  }

  /** Creates the record. Retries with a later id if the first one is not after the user's cut-off. */
  async #attempt(user: User, signIn: SignIn): Promise<Attempt> {
    const { ids, clock } = this.#options;
    const now = clock.now();
    const first = await this.#create(user, signIn, ids.next(now), now);
    return first.outcome.kind === 'clock-behind'
      ? this.#create(user, signIn, ids.next(first.outcome.cutoff + 1), now)
      : first;
  }

  /**
   * Completes the ends of the sessions that `create` replaced, mostly on the same device. Leaves out any that cannot be
   * completed now; a later login completes them.
   */
  async #tryReplace({ userId }: User, replaced: readonly EndedSession[]): Promise<EndedSession[]> {
    const { ender } = this.#options;
    const results = await Promise.allSettled(
      replaced.map(({ sessionId }) => ender.replace(userId, sessionId, CREDENTIALS)),
    );
    return results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  }

  async #create(user: User, signIn: SignIn, sessionId: string, now: number): Promise<Attempt> {
    const { store, policy } = this.#options;
    const createdAt = createdAtOf(sessionId) ?? now;
    const session: Session = {
      ...signIn,
      latestIpAddress: signIn.ipAddress,
      sessionId,
      userId: user.userId,
      createdAt,
      lastSeenAt: createdAt,
      idleDeadline: createdAt + Math.min(policy.idleTtlMs, policy.maxTtlMs),
      absoluteDeadline: createdAt + policy.maxTtlMs,
      generation: 1,
      securityVersion: user.securityVersion,
    };
    const { maxSessionsPerUser, tombstoneTtlMs } = policy;
    const outcome = await store.create({ session, maxSessionsPerUser, tombstoneTtlMs, now });
    return { session, outcome, now };
  }

  async #rotate(
    grant: RefreshGrant,
    { clientId, ipAddress }: RefreshAttempt,
    user: User,
    now: number,
  ): Promise<RotateOutcome> {
    const { store, policy } = this.#options;
    const { refreshGraceMs, idleTtlMs, tombstoneTtlMs } = policy;
    const createdAt = createdAtOf(grant.sessionId) ?? 0;
    return store.rotate({
      ...grant,
      clientId,
      ipAddress,
      securityVersion: user.securityVersion,
      // Only these two changes raise the security version, and both ended the session. A Redis restored from a backup
      // brought it back.
      outdatedReason: user.passwordChangedAt >= createdAt ? 'PASSWORD_CHANGED' : 'USER_DISABLED',
      refreshGraceMs,
      idleTtlMs,
      tombstoneTtlMs,
      now,
    });
  }

  #grantOf(refreshToken: string): RefreshGrant {
    const grant = this.#options.refreshTokens.verify(refreshToken);
    if (grant === undefined || grant.generation >= MAX_GENERATION) {
      throw invalidRefreshToken('This is not a refresh token of this service; sign in again.');
    }
    return grant;
  }

  /**
   * The log may hold an end that the record lost. This happens if they are on different Redis nodes and only one failed
   * over. Then the record is ended again.
   */
  async #refuseIfKnownEnded({ userId, sessionId }: RefreshGrant): Promise<void> {
    const createdAt = createdAtOf(sessionId) ?? 0;
    const reason = this.#options.revocations.endReasonOf(userId, sessionId, createdAt);
    if (reason === undefined) return;
    const ended = await this.#options.ender.endAgain(userId, sessionId, reason as EndReason);
    throw sessionEnded(ended);
  }

  /** Reads the user with the current roles. Ends the session if the user was deleted or disabled. */
  async #currentUser({ userId, sessionId }: RefreshGrant): Promise<User> {
    const user = await this.#options.users.findById(userId);
    if (user !== undefined && user.disabledAt === undefined) return user;
    const reason: EndReason = user === undefined ? 'USER_DELETED' : 'USER_DISABLED';
    await this.#options.ender.end(userId, sessionId, reason, SERVICE);
    const { store, clock } = this.#options;
    const found = await store.read(userId, sessionId, clock.now());
    throw sessionEnded(found.kind === 'ended' ? found.ended : undefined);
  }

  /** Issues the tokens of a new session and stores the sign-in. If either fails, ends the session. */
  async #issueOrDiscard(session: Session, user: User, now: number): Promise<IssuedTokens> {
    const { events, clock } = this.#options;
    const { ipAddress, clientId } = session;
    const origin: EventOrigin = { ipAddress, clientId };
    try {
      const tokens = await this.#issue(session, user, now);
      const at = clock.now();
      const event = { kind: 'SignedIn', at, actor: CREDENTIALS, ...idsOf(session), origin } as const;
      await events.store(event);
      events.publish(event);
      return tokens;
    } catch (error) {
      await this.#discard(session);
      throw error;
    }
  }

  async #issue(session: Session, user: User, now: number): Promise<IssuedTokens> {
    const { accessTokens, refreshTokens } = this.#options;
    const access = await accessTokens.issue(session, user.roles, now);
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken: refreshTokens.mint(session),
      refreshTokenExpiresAt: Math.min(session.idleDeadline, session.absoluteDeadline),
    };
  }

  /** A session that ended by its deadline has no live access token, so it needs no revocation. */
  async #logIfNeeded(userId: string, ended: EndedSession): Promise<void> {
    if (ended.reason === 'IDLE' || ended.reason === 'MAX_LIFETIME') return;
    await this.#options.ender.log(userId, ended, SERVICE);
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

function invalidRefreshToken(message: string): Failure {
  return new Failure('INVALID_REFRESH_TOKEN', message);
}

/** The holder of a token of the session. */
function holderOf({ userId, sessionId, clientId }: Omit<Extract<Actor, { kind: 'caller' }>, 'kind'>): Actor {
  return { kind: 'caller', userId, sessionId, clientId };
}

function idsOf({ userId, sessionId }: { readonly userId: string; readonly sessionId: string }) {
  return { userId, sessionId };
}

function noRoom(): Failure {
  return storeUnavailable('sessions', new Error('other logins of this user used every free session slot'));
}

function sessionEnded(ended: EndedSession | undefined): Failure {
  const reason = ended?.reason ?? 'UNSPECIFIED';
  const endedAt = ended === undefined ? {} : { ended_at: new Date(ended.endedAt).toISOString() };
  return new Failure('SESSION_ENDED', 'The session has ended; sign in again.', {
    metadata: { end_reason: reason, ...endedAt },
  });
}
