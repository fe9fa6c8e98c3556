import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import type { TokenVerifier } from '../../validator/token-verifier.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import type { EndReason } from '../audit/end-reason.ts';
import type { Actor, EventOrigin, SecurityEvents } from '../audit/security-event.ts';
import { Failure, type FailureReason, storeUnavailable } from '../failure.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { RefreshGrant } from './refresh-token.ts';
import type { EndedSession, Session, SessionPolicy } from './session.ts';
import type { SessionEnder } from './session-ender.ts';
import { invalidRefreshToken, sessionEnded } from './session-failures.ts';
import type { RotateOutcome, SessionStore } from './session-store.ts';
import type { SessionTokens, SessionWithTokens } from './session-tokens.ts';

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly ender: SessionEnder;
  readonly events: Pick<SecurityEvents, 'publish'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly tokens: SessionTokens;
  readonly moves: MoveAssessor;
  readonly verifier: TokenVerifier;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly issuer: string;
  readonly policy: SessionPolicy;
  readonly clock: Clock;
}

/** Told of every session that is refreshed from another address. */
export interface MoveAssessor {
  /**
   * Returns the session as it goes on, before tokens are issued. Fails if the session may not go on.
   *
   * @param previousIpAddress the latest address before the refresh; empty: unknown.
   */
  moved(user: User, session: Session, previousIpAddress: string): Promise<Session>;
}

export interface RefreshAttempt {
  readonly refreshToken: string;
  /** The client that presents the token; empty: not compared with the session's. */
  readonly clientId: string;
  /** The client's IP address; empty: unknown. */
  readonly ipAddress: string;
}

type RefreshedSession = Extract<RotateOutcome, { readonly kind: 'rotated' | 'replayed' }>;

const SERVICE: Actor = { kind: 'service' };

/** Refreshes sessions, and ends them by one of their tokens. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /**
   * Exchanges a refresh token; see `decideRotation`.
   *
   * Fails with INVALID_REFRESH_TOKEN (also for a token of another client), SESSION_ENDED and STORE_UNAVAILABLE. Fails
   * with END_UNCONFIRMED if the end of a session may not be durable.
   */
  async refresh(attempt: RefreshAttempt): Promise<SessionWithTokens> {
    const { clientId, ipAddress } = attempt;
    const { tokens, clock, events } = this.#options;
    const grant = tokens.grantOf(attempt.refreshToken);
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
        const session = await this.#assessed(user, outcome);
        const issued = await tokens.issue(session, user.roles, now);
        const kind = outcome.kind === 'rotated' ? 'Refreshed' : 'RefreshReplayed';
        const origin: EventOrigin = { ipAddress, clientId: session.clientId };
        events.publish({ kind, at: clock.now(), actor: holderOf(session), ...idsOf(session), origin });
        return { session, tokens: issued };
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

  /** Compares addresses, and asks nobody if the session is where it was. A repeated refresh was assessed before. */
  async #assessed(user: User, outcome: RefreshedSession): Promise<Session> {
    const { session } = outcome;
    if (outcome.kind === 'replayed' || outcome.previousIpAddress === session.latestIpAddress) return session;
    return this.#options.moves.moved(user, session, outcome.previousIpAddress);
  }

  /** Ends the session of a refresh token of any generation. Fails with INVALID_REFRESH_TOKEN, END_UNCONFIRMED. */
  async logoutByRefreshToken(refreshToken: string): Promise<{ revision: string }> {
    const { tokens, ender } = this.#options;
    const { userId, sessionId } = tokens.grantOf(refreshToken);
    const actor = holderOf({ userId, sessionId, clientId: '' });
    return ender.end(userId, sessionId, 'LOGGED_OUT', actor);
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

  async #rotate(
    grant: RefreshGrant,
    { clientId, ipAddress }: RefreshAttempt,
    user: User,
    now: number,
  ): Promise<RotateOutcome> {
    const { store, policy } = this.#options;
    const { refreshGraceMs, idleTtlMs, tombstoneTtlMs } = policy;
    const createdAt = createdAtOf(grant.sessionId) ?? 0;
    // Only these two changes raise the security version, and both ended the session. A Redis restored from a backup
    // brought it back.
    const outdatedReason = user.passwordChangedAt >= createdAt ? 'PASSWORD_CHANGED' : 'USER_DISABLED';
    return store.rotate({
      ...grant,
      clientId,
      ipAddress,
      securityVersion: user.securityVersion,
      outdatedReason: grant.sessionId === user.keptSessionId ? undefined : outdatedReason,
      refreshGraceMs,
      idleTtlMs,
      tombstoneTtlMs,
      now,
    });
  }

  /**
   * The log may hold an end that the record lost. This happens if they are on different Redis nodes and only one failed
   * over. Then the record is ended again.
   */
  async #refuseIfKnownEnded({ userId, sessionId }: RefreshGrant): Promise<void> {
    const createdAt = createdAtOf(sessionId) ?? 0;
    const reason = this.#options.revocations.endReasonOf(userId, sessionId, createdAt);
    if (reason === undefined) return;
    const ended = await this.#options.ender.endRecord(userId, sessionId, reason as EndReason);
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

  /** A session that ended by its deadline has no live access token, so it needs no revocation. */
  async #logIfNeeded(userId: string, ended: EndedSession): Promise<void> {
    if (ended.reason === 'IDLE' || ended.reason === 'MAX_LIFETIME') return;
    await this.#options.ender.log(userId, ended, SERVICE);
  }
}

/** The holder of a token of the session. */
function holderOf({ userId, sessionId, clientId }: Omit<Extract<Actor, { kind: 'caller' }>, 'kind'>): Actor {
  return { kind: 'caller', userId, sessionId, clientId };
}

function idsOf({ userId, sessionId }: { readonly userId: string; readonly sessionId: string }) {
  return { userId, sessionId };
}
