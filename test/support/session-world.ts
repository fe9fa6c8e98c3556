import { randomBytes } from 'node:crypto';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import { storeIn } from '../../src/core/audit/audit-outbox.ts';
import { DirectOutbox } from '../../src/core/audit/direct-outbox.ts';
import { type FollowerListener, listenersInOrder } from '../../src/core/revocation/follower-listener.ts';
import { RevocationFollower } from '../../src/core/revocation/revocation-follower.ts';
import type { RevocationLog } from '../../src/core/revocation/revocation-log.ts';
import { AccessTokenIssuer } from '../../src/core/session/access-token-issuer.ts';
import { RefreshTokens } from '../../src/core/session/refresh-token.ts';
import type { Device, SessionPolicy } from '../../src/core/session/session.ts';
import { SessionControl } from '../../src/core/session/session-control.ts';
import { SessionEnder } from '../../src/core/session/session-ender.ts';
import { SessionHistory } from '../../src/core/session/session-history.ts';
import { type OpenedSession, SessionOpener } from '../../src/core/session/session-opener.ts';
import { type MoveAssessor, SessionService } from '../../src/core/session/session-service.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { SessionTokens } from '../../src/core/session/session-tokens.ts';
import { SessionWatchers, type WatchLimits } from '../../src/core/session/session-watchers.ts';
import { newUser } from '../../src/core/user/new-user.ts';
import type { User } from '../../src/core/user/user.ts';
import type { UserDirectory } from '../../src/core/user/user-directory.ts';
import { TokenValidation } from '../../src/core/validation/token-validation.ts';
import { KeySet } from '../../src/validator/key-set.ts';
import { TokenVerifier } from '../../src/validator/token-verifier.ts';
import { Validator } from '../../src/validator/validator.ts';
import { eventually } from './eventually.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryAuditTrail } from './memory-audit.ts';
import { NO_RISK } from './risk.ts';
import { RecordedEvents } from './security-events.ts';
import { DAY, ids, MINUTE } from './sessions.ts';
import { AUDIENCE, ISSUER, TestKey } from './test-keys.ts';

const ACCESS_TTL = 15 * MINUTE;
export const MAX_STALENESS = 5_000;

/** What several servers share. */
export interface WorldParts {
  readonly store: SessionStore;
  readonly log: RevocationLog;
  readonly key: TestKey;
  readonly macKey: Buffer;
  /** Receives what the follower reads. */
  readonly listener?: FollowerListener;
  /** Published besides the signing key. */
  readonly otherKeys?: readonly TestKey[];
  readonly watchLimits?: WatchLimits;
}

/** The session services of a server, assembled like the composition root does, on a clock that stands still. */
export class SessionWorld {
  readonly clock: ManualClock;
  readonly store: SessionStore;
  readonly log: RevocationLog;
  readonly key: TestKey;
  readonly users = new Map<string, User>();
  /** Where the services find users. */
  findUser: UserDirectory['findById'] = async (userId) => this.users.get(userId);
  /** The users as the core reads them. */
  readonly directory = { findById: (userId: string) => this.findUser(userId) };
  /** Has an event as soon as it is stored. */
  readonly trail = new MemoryAuditTrail();
  readonly events = new RecordedEvents(storeIn(new DirectOutbox(this.trail), ids));
  /** Assesses refreshes from another address. */
  moves: MoveAssessor = NO_RISK;
  /** Fails while no sign-in could be stored for the audit trail. */
  checkRoom = async (): Promise<void> => undefined;
  readonly follower: RevocationFollower;
  readonly ender: SessionEnder;
  readonly opener: SessionOpener;
  readonly sessionTokens: SessionTokens;
  readonly sessions: SessionService;
  readonly control: SessionControl;
  readonly history: SessionHistory;
  readonly tokens: TokenValidation;
  readonly watchers: SessionWatchers;

  private constructor(clock: ManualClock, parts: WorldParts) {
    const { store, log, key, macKey, listener, otherKeys = [], watchLimits } = parts;
    this.clock = clock;
    this.key = key;
    this.store = store;
    this.log = log;
    this.watchers = new SessionWatchers({
      ...{ store, clock },
      revocations: { endReasonOf: (...session) => this.follower.endReasonOf(...session) },
      ...(watchLimits !== undefined && { limits: watchLimits }),
    });
    this.follower = new RevocationFollower({
      log,
      clock,
      waitMs: 5,
      tokenLifeMs: ACCESS_TTL,
      reinstate: (revocation) => this.ender.reinstate(revocation),
      observer: { readFailed: () => undefined, recovered: () => undefined, entriesLost: () => undefined },
      listener: listenersInOrder(this.watchers, ...(listener === undefined ? [] : [listener])),
    });
    this.ender = new SessionEnder({
      store,
      log,
      clock,
      events: this.events,
      tombstoneTtlMs: DAY,
      accessTokenLifeMs: ACCESS_TTL + MINUTE,
      coveredSince: () => this.follower.coveredSince,
    });
    this.control = new SessionControl({
      ...{ store, ender: this.ender, revocations: this.follower, clock },
      users: this.directory,
    });
    this.history = new SessionHistory({
      ...{ control: this.control, store, revocations: this.follower, trail: this.trail, clock },
      maxTtlMs: 30 * DAY,
    });
    const keySet = new KeySet({
      fetch: async () => [key, ...otherKeys].map(({ publicJwk }) => publicJwk),
      clock,
      minRefetchIntervalMs: 1_000,
    });
    const verifier = new TokenVerifier(keySet, 100);
    const common = { clock, ids, issuer: ISSUER, audiences: [AUDIENCE] };
    const tokens = new SessionTokens({
      accessTokens: new AccessTokenIssuer({
        ...common,
        keys: { signer: () => ({ keyId: key.publicJwk.kid, sign: (claims) => key.sign({ ...claims }) }) },
        ttlMs: ACCESS_TTL,
      }),
      refreshTokens: new RefreshTokens([macKey]),
    });
    this.sessionTokens = tokens;
    const policy: SessionPolicy = {
      idleTtlMs: 7 * DAY,
      maxTtlMs: 30 * DAY,
      refreshGraceMs: 30_000,
      devicePolicy: { kind: 'limit', maxSessions: 3, atLimit: 'replace' },
      tombstoneTtlMs: DAY,
    };
    const users = this.directory;
    const shared = { ...common, store, ender: this.ender, events: this.events, users, tokens, policy };
    this.opener = new SessionOpener({ ...shared, outbox: { checkRoom: () => this.checkRoom() } });
    const moves: MoveAssessor = { moved: (...refreshed) => this.moves.moved(...refreshed) };
    this.sessions = new SessionService({ ...shared, verifier, revocations: this.follower, moves });
    this.tokens = new TokenValidation({
      validator: new Validator({
        ...common,
        verifier,
        revocations: this.follower,
        maxStalenessMs: MAX_STALENESS,
        maxTokenLifeMs: ACCESS_TTL,
      }),
      store,
      revocations: this.follower,
      clock,
    });
  }

  static async open(given: Partial<WorldParts> = {}, clock = new ManualClock()): Promise<SessionWorld> {
    const world = new SessionWorld(clock, {
      store: given.store ?? new MemorySessionStore(clock),
      log: given.log ?? new MemoryRevocationLog(DAY),
      key: given.key ?? (await TestKey.make()),
      macKey: given.macKey ?? randomBytes(32),
      ...(given.listener !== undefined && { listener: given.listener }),
      ...(given.otherKeys !== undefined && { otherKeys: given.otherKeys }),
      ...(given.watchLimits !== undefined && { watchLimits: given.watchLimits }),
    });
    await world.follower.start();
    return world;
  }

  async close(): Promise<void> {
    await this.follower.close();
  }

  addUser(given: Partial<User> = {}): User {
    const now = this.clock.now();
    const userId = ids.next(now);
    const username = `user-${userId}`;
    const user: User = {
      ...newUser({ userId, username, passwordHash: '', roles: ['reader'], now }),
      ...given,
    };
    this.users.set(user.userId, user);
    return user;
  }

  /** Changes the stored user, as the directory would. */
  changeUser(user: User, change: Partial<User>): User {
    const changed = { ...user, ...change, version: user.version + 1 };
    this.users.set(user.userId, changed);
    return changed;
  }

  /** @param clientId of the application that presents the token; empty: not compared. */
  refresh(refreshToken: string, clientId = '') {
    return this.sessions.refresh({ refreshToken, clientId, ipAddress: '192.0.2.2' });
  }

  /** Throws if the user is at a limit that refuses. */
  async open(user: User, device: Partial<Device> = {}): Promise<OpenedSession> {
    const outcome = await this.signIn(user, device);
    if (outcome.kind !== 'opened') throw new Error('the user is at the session limit');
    return outcome;
  }

  signIn(user: User, device: Partial<Device> = {}, endSessionId = '') {
    const signIn = {
      clientId: 'web',
      device: { deviceId: '', name: '', platform: '', ...device },
      ipAddress: '192.0.2.1',
      labels: {},
      isNewDevice: false,
      authenticationMethods: ['pwd'],
    };
    return this.opener.open(user, signIn, endSessionId);
  }

  /** Lets the follower catch up with the clock, so that the log is fresh and its genesis is in the past. */
  async settle(ms = 10_000): Promise<void> {
    this.clock.advance(ms);
    await eventually(() => this.follower.asOf === this.clock.now());
  }
}
