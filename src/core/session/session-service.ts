import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { TokenVerifier } from '../../validator/token-verifier.ts';
import type { RevocationView } from '../../validator/validator.ts';
import type { EndReason } from '../audit/end-reason.ts';
import type { Actor, EventOrigin, SecurityEvents } from '../audit/security-event.ts';
import { Failure, storeUnavailable } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import { invalidCredentials } from '../login/invalid-credentials.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { AccessTokenIssuer } from './access-token-issuer.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { MAX_GENERATION, type RefreshGrant, type RefreshTokens } from './refresh-token.ts';
import type { Device, EndedSession, Session, SessionPolicy } from './session.ts';
import type { SessionEndings } from './session-endings.ts';
import type { CreateOutcome, RotateOutcome, SessionStore } from './session-store.ts';

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly endings: SessionEndings;
  readonly events: SecurityEvents;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly accessTokens: AccessTokenIssuer;
  readonly refreshTokens: RefreshTokens;
  readonly verifier: TokenVerifier;
  /** What is known of the log; asked so that a record which a failover revived is not believed. */
  readonly revocations: Pick<RevocationView, 'endReasonOf'>;
  readonly issuer: string;
  readonly policy: SessionPolicy;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** What is known of a sign-in besides the user. */
export interface SignIn {
  readonly clientId: string;
  readonly device: Device;
  readonly ipAddress: string;
  readonly authenticationMethods: readonly string[];
}

export interface RefreshAttempt {
  readonly refreshToken: string;
  /** The application that presents it; empty: not compared with the session's. */
  readonly clientId: string;
  /** Where it was presented; empty: not known. */
  readonly ipAddress: string;
}

export interface SessionWithTokens {
  readonly session: Session;
  readonly tokens: IssuedTokens;
}

export interface OpenedSession extends SessionWithTokens {
  readonly replaced: readonly EndedSession[];
}

/** What became of one attempt to open a session. */
interface Attempt {
  readonly session: Session;
  readonly outcome: CreateOutcome;
  readonly now: number;
}

/** How often a login makes room before it fails; logins of the same user in other processes may take the room. */
const MAX_OPEN_ATTEMPTS = 50;
/** A login that waits longer than this for others of its user to make room is refused, and ends nothing; milliseconds. */
const MAX_ROOM_WAIT_MS = 1_000;

const CREDENTIALS: Actor = { kind: 'credentials' };
const SERVICE: Actor = { kind: 'service' };

/** Opens sessions, keeps them going, ends them. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  /** One login of a user makes room at a time: many would take it from each other and end ever more sessions. */
  readonly #makingRoom = new KeyedQueue();

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /**
   * Opens a session for a user whose credentials were checked against the very record that is given. Fails
   * with INVALID_CREDENTIALS if the user's sessions were ended since the record was read, and with ENDING_UNCONFIRMED or
   * STORE_UNAVAILABLE if a session that must make room is not confirmed as ended; then it opens nothing.
   *
   * The password check may take longer than the store remembers a cut-off. So the user is read again here; the store
   * detects changes after that.
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

  /** Resolves if a session of this user could be stored now; STORE_UNAVAILABLE. */
  checkStore(userId: string): Promise<void> {
    return this.#options.store.ping(userId);
  }

  /**
   * Refuses a sign-in with INVALID_CREDENTIALS, after the steps on the stores that `open` begins with. Where one of
   * them is away both fail alike, so that nobody learns which credentials were right.
   */
  async refuse(userId: string): Promise<never> {
    await this.#options.users.findById(userId);
    return this.#refuse(userId);
  }

  /**
   * Exchanges a refresh token; see `decideRotation`. Fails with INVALID_REFRESH_TOKEN, also for another client's token,
   * SESSION_ENDED, STORE_UNAVAILABLE, and ENDING_UNCONFIRMED where a session that ends here may not be stored as ended.
   */
  async refresh({ refreshToken, clientId, ipAddress }: RefreshAttempt): Promise<SessionWithTokens> {
    const grant = this.#grantOf(refreshToken);
    const now = this.#options.clock.now();
    await this.#refuseIfKnownEnded(grant);
    let user = await this.#currentUser(grant);
    let outcome = await this.#rotate(grant, clientId, user, now);
    if (outcome.kind === 'user-changed') {
      user = await this.#currentUser(grant);
      outcome = await this.#rotate(grant, clientId, user, now);
    }
    switch (outcome.kind) {
      case 'rotated':
      case 'replayed': {
        const { session } = outcome;
        const tokens = await this.#issue(session, user, now);
        const kind = outcome.kind === 'rotated' ? 'Refreshed' : 'RefreshReplayed';
        this.#publish(kind, session, { ipAddress, clientId: session.clientId }, holderOf(session));
        return { session, tokens };
      }
      case 'reused':
      case 'ended':
        await this.#logIfNeeded(grant.userId, outcome.ended);
        throw sessionEnded(outcome.ended);
      case 'missing':
        throw sessionEnded(undefined);
      case 'other-client':
        throw invalidRefreshToken('This refresh token was issued to another client.');
      case 'user-changed':
        throw storeUnavailable(
          'users',
          new Error('the user record is older than the cut-off of its sessions'),
        );
    }
  }

  /** Ends the session of any refresh token it ever had. Fails with INVALID_REFRESH_TOKEN, ENDING_UNCONFIRMED. */
  async logoutByRefreshToken(refreshToken: string): Promise<{ revision: string }> {
    const { userId, sessionId } = this.#grantOf(refreshToken);
    const actor = holderOf({ userId, sessionId, clientId: '' });
    return this.#options.endings.end(userId, sessionId, 'LOGGED_OUT', actor);
  }

  /** Ends the session of an access token, expired or not. Fails with INVALID_ACCESS_TOKEN, ENDING_UNCONFIRMED. */
  async logoutByAccessToken(accessToken: string): Promise<{ revision: string }> {
    const { verifier, issuer, endings } = this.#options;
    const verified = verifier.recall(accessToken) ?? (await verifier.verify(accessToken));
    if ('reason' in verified || verified.claims.issuer !== issuer) {
      throw new Failure('INVALID_ACCESS_TOKEN', 'This is not an access token of this service.');
    }
    const { userId, sessionId } = verified.claims;
    return endings.end(userId, sessionId, 'LOGGED_OUT', holderOf(verified.claims));
  }

  async #refuse(userId: string): Promise<never> {
    await this.checkStore(userId);
    throw invalidCredentials();
  }

  /** Every end is followed by one more attempt: what was ended made room for this login, or for another one. */
  async #openWithRoom(user: User, signIn: SignIn): Promise<OpenedSession> {
    const ended: EndedSession[] = [];
    for (let attempt = 1; attempt <= MAX_OPEN_ATTEMPTS; attempt += 1) {
      const made = await this.#attempt(user, signIn);
      if (made.outcome.kind !== 'full') return this.#opened(user, made, ended);
      if (attempt === MAX_OPEN_ATTEMPTS) break;
      for (const sessionId of made.outcome.toEnd) {
        ended.push(await this.#options.endings.replace(user.userId, sessionId, CREDENTIALS));
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
    this.#publish('SignedIn', session, session, CREDENTIALS);
    return { session, tokens, replaced: [...ended, ...(await this.#tryReplace(user, outcome.replaced))] };
  }

  /** Creates the record; with a later id if the first one is not younger than the user's cut-off. */
  async #attempt(user: User, signIn: SignIn): Promise<Attempt> {
    const { ids, clock } = this.#options;
    const now = clock.now();
    const first = await this.#create(user, signIn, ids.next(now), now);
    return first.outcome.kind === 'clock-behind'
      ? this.#create(user, signIn, ids.next(first.outcome.cutoff + 1), now)
      : first;
  }

  /**
   * Completes the ends of the sessions that `create` replaced, mostly of the same device. One that cannot be completed
   * now is left out of the answer; a later login completes it.
   */
  async #tryReplace({ userId }: User, replaced: readonly EndedSession[]): Promise<EndedSession[]> {
    const { endings } = this.#options;
    const results = await Promise.allSettled(
      replaced.map(({ sessionId }) => endings.replace(userId, sessionId, CREDENTIALS)),
    );
    return results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  }

  async #create(user: User, signIn: SignIn, sessionId: string, now: number): Promise<Attempt> {
    const { store, policy } = this.#options;
    const createdAt = createdAtOf(sessionId) ?? now;
    const session: Session = {
      ...signIn,
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

  async #rotate(grant: RefreshGrant, clientId: string, user: User, now: number): Promise<RotateOutcome> {
    const { store, policy } = this.#options;
    const { refreshGraceMs, idleTtlMs, tombstoneTtlMs } = policy;
    const createdAt = createdAtOf(grant.sessionId) ?? 0;
    return store.rotate({
      ...grant,
      clientId,
      securityVersion: user.securityVersion,
      // The security version grows with these two alone. A session of either kind was ended when it did, and revived by
      // a Redis that was restored from a copy.
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
   * The log can know of an ending that the record has lost, where the two are not on the same Redis node and only one
   * of them failed over. Then the record is ended again.
   */
  async #refuseIfKnownEnded({ userId, sessionId }: RefreshGrant): Promise<void> {
    const createdAt = createdAtOf(sessionId) ?? 0;
    const reason = this.#options.revocations.endReasonOf(userId, sessionId, createdAt);
    if (reason === undefined) return;
    const ended = await this.#options.endings.endAgain(userId, sessionId, reason as EndReason);
    throw sessionEnded(ended);
  }

  /** The user as of now, with the roles of now. Whoever may not sign in any more loses the session here. */
  async #currentUser({ userId, sessionId }: RefreshGrant): Promise<User> {
    const user = await this.#options.users.findById(userId);
    if (user !== undefined && user.disabledAt === undefined) return user;
    const reason: EndReason = user === undefined ? 'USER_DELETED' : 'USER_DISABLED';
    await this.#options.endings.end(userId, sessionId, reason, SERVICE);
    const { store, clock } = this.#options;
    const found = await store.read(userId, sessionId, clock.now());
    throw sessionEnded(found.kind === 'ended' ? found.ended : undefined);
  }

  async #issueOrDiscard(session: Session, user: User, now: number): Promise<IssuedTokens> {
    try {
      return await this.#issue(session, user, now);
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

  #publish(
    kind: 'SignedIn' | 'Refreshed' | 'RefreshReplayed',
    { userId, sessionId }: Session,
    { ipAddress, clientId }: EventOrigin,
    actor: Actor,
  ): void {
    const { events, clock } = this.#options;
    events.publish({ kind, at: clock.now(), actor, userId, sessionId, origin: { ipAddress, clientId } });
  }

  /** A session that ended by its deadline has no living access token, and an old ending is in nobody's way. */
  async #logIfNeeded(userId: string, ended: EndedSession): Promise<void> {
    if (ended.reason === 'IDLE' || ended.reason === 'MAX_LIFETIME') return;
    await this.#options.endings.log(userId, ended, SERVICE);
  }

  /** Nobody has a token of it; if it cannot be ended either, its idle deadline will do. */
  async #discard({ userId, sessionId }: Session): Promise<void> {
    try {
      await this.#options.endings.end(userId, sessionId, 'REPLACED', SERVICE);
    } catch {
      return;
    }
  }
}

function invalidRefreshToken(message: string): Failure {
  return new Failure('INVALID_REFRESH_TOKEN', message);
}

/** Whoever presented a token of the session. */
function holderOf({ userId, sessionId, clientId }: Omit<Extract<Actor, { kind: 'caller' }>, 'kind'>): Actor {
  return { kind: 'caller', userId, sessionId, clientId };
}

function noRoom(): Failure {
  return storeUnavailable('sessions', new Error('other logins of this user took the room each time'));
}

function sessionEnded(ended: EndedSession | undefined): Failure {
  const reason = ended?.reason ?? 'UNSPECIFIED';
  const endedAt = ended === undefined ? {} : { ended_at: new Date(ended.endedAt).toISOString() };
  return new Failure('SESSION_ENDED', 'The session has ended; sign in again.', {
    metadata: { end_reason: reason, ...endedAt },
  });
}
