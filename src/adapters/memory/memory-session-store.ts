import type { EndReason } from '../../core/audit/end-reason.ts';
import { decideOpening } from '../../core/session/device-policy.ts';
import { decideRotation, passedDeadline } from '../../core/session/rotation.ts';
import { bySignIn, type EndedSession, type Session, summaryOf } from '../../core/session/session.ts';
import type {
  CreateOutcome,
  CreateSession,
  EndOtherSessions,
  EndOutdatedSessions,
  EndSession,
  EndUserSessions,
  ReadOutcome,
  RotateOutcome,
  RotateSession,
  SessionStore,
  ShortenSession,
  UserCutoff,
} from '../../core/session/session-store.ts';
import type { Clock } from '../../validator/clock.ts';
import { createdAtOf } from '../../validator/session-id.ts';

interface LiveRecord {
  readonly session: Session;
  readonly ended: undefined;
}

interface Tombstone {
  readonly session?: never;
  readonly ended: EndedSession;
  readonly keptUntil: number;
}

interface Cutoff {
  readonly securityVersion: number;
  readonly at: number;
  readonly keptUntil: number;
}

/**
 * Keeps sessions in memory. They are lost when the process ends. Each method runs without interruption, so it is an
 * atomic step. Creating a session removes expired records, at most once per sweep interval.
 */
export class MemorySessionStore implements SessionStore {
  readonly #clock: Clock;
  readonly #sweepIntervalMs: number;
  /** Keyed by user and session id, like the Redis store. */
  readonly #records = new Map<string, LiveRecord | Tombstone>();
  /** Living sessions, and ended sessions whose end is not logged yet. An end at a deadline is not logged. */
  readonly #sessionsOfUser = new Map<string, Set<string>>();
  readonly #cutoffs = new Map<string, Cutoff>();
  #sweptAt: number;

  constructor(clock: Clock, sweepIntervalMs = 60_000) {
    this.#clock = clock;
    this.#sweepIntervalMs = sweepIntervalMs;
    this.#sweptAt = clock.now();
  }

  async create(request: CreateSession): Promise<CreateOutcome> {
    const { session, now } = request;
    const cutoff = this.#cutoffs.get(session.userId);
    if (cutoff !== undefined && cutoff.keptUntil > now) {
      if (cutoff.securityVersion > session.securityVersion) return { kind: 'user-changed' };
      if (session.createdAt <= cutoff.at) return { kind: 'clock-behind', cutoff: cutoff.at };
    }
    if (this.#records.has(keyOf(session))) throw new Error('a session with this id exists');
    const living = this.#endExpired(request);
    const unlogged = this.#unlogged(session.userId).filter(({ reason }) => reason === 'REPLACED');
    const decision = decideOpening(
      request,
      living,
      unlogged.map(({ sessionId }) => sessionId),
    );
    if (decision.kind === 'full') return decision;
    if (decision.kind === 'refused') {
      const listed = living.filter(({ sessionId }) => decision.listed.includes(sessionId));
      return { kind: 'refused', sessions: listed.map(summaryOf) };
    }
    const ended = decision.replaced.map((earlier) =>
      this.#endSession(earlier, 'REPLACED', now, request.tombstoneTtlMs),
    );
    this.#records.set(keyOf(session), { session, ended: undefined });
    this.#enlist(session);
    this.#sweep();
    return { kind: 'created', replaced: [...ended, ...unlogged].sort(bySignIn) };
  }

  async rotate(request: RotateSession): Promise<RotateOutcome> {
    const { userId, sessionId, now, tombstoneTtlMs } = request;
    const record = this.#find(userId, sessionId, now);
    if (record === undefined) return { kind: 'missing' };
    if (record.ended !== undefined) return { kind: 'ended', ended: record.ended };
    if (request.clientId !== '' && request.clientId !== record.session.clientId)
      return { kind: 'other-client' };
    const cutoff = this.#cutoffs.get(userId);
    if (cutoff !== undefined && cutoff.keptUntil > now && cutoff.securityVersion > request.securityVersion) {
      return { kind: 'user-changed' };
    }
    const decision = decideRotation(record.session, request);
    switch (decision.kind) {
      case 'replay':
        return { kind: 'replayed', session: record.session };
      case 'end': {
        const { reason } = decision;
        const ended = this.#endLiving(record.session, reason, now, tombstoneTtlMs);
        return { kind: reason === 'REFRESH_TOKEN_REUSED' ? 'reused' : 'ended', ended };
      }
      case 'rotate': {
        const { generation, idleDeadline } = decision;
        const latestIpAddress = request.ipAddress || record.session.latestIpAddress;
        const session = { ...record.session, generation, idleDeadline, lastSeenAt: now, latestIpAddress };
        this.#records.set(keyOf(session), { session, ended: undefined });
        return { kind: 'rotated', session, previousIpAddress: record.session.latestIpAddress };
      }
    }
  }

  async shorten({ userId, sessionId, deadline, now }: ShortenSession): Promise<ReadOutcome> {
    const live = this.#find(userId, sessionId, now)?.session;
    if (live === undefined) return this.read(userId, sessionId, now);
    const idleDeadline = Math.min(live.idleDeadline, deadline);
    const session = { ...live, idleDeadline, absoluteDeadline: Math.min(live.absoluteDeadline, deadline) };
    this.#records.set(keyOf(session), { session, ended: undefined });
    return { kind: 'live', session };
  }

  async end({ userId, sessionId, reason, now, tombstoneTtlMs }: EndSession): Promise<EndedSession> {
    const record = this.#find(userId, sessionId, now);
    if (record === undefined) return this.#writeTombstone({ userId, sessionId }, reason, now, tombstoneTtlMs);
    return record.ended ?? this.#endLiving(record.session, reason, now, tombstoneTtlMs);
  }

  async endKnown(request: EndSession): Promise<EndedSession | undefined> {
    const { userId, sessionId, reason, now, tombstoneTtlMs } = request;
    const record = this.#find(userId, sessionId, now);
    if (record?.session === undefined) return record?.ended;
    return this.#endLiving(record.session, reason, now, tombstoneTtlMs);
  }

  async endOthers(request: EndOtherSessions): Promise<readonly EndedSession[]> {
    return this.#endOthers(request, Number.POSITIVE_INFINITY);
  }

  async endOutdated(request: EndOutdatedSessions): Promise<readonly EndedSession[]> {
    const { userId, securityVersion, keptSessionId, cutoffTtlMs, now } = request;
    this.#raiseCutoff(userId, securityVersion, 0, now + cutoffTtlMs);
    const kept = this.#records.get(keyOf({ userId, sessionId: keptSessionId }))?.session;
    if (kept !== undefined && kept.securityVersion < securityVersion) {
      this.#records.set(keyOf(kept), { session: { ...kept, securityVersion }, ended: undefined });
    }
    return this.#endOthers(request, securityVersion);
  }

  async endUser(request: EndUserSessions): Promise<UserCutoff> {
    const { userId, now, reason, tombstoneTtlMs, createdUpTo } = request;
    const ended = this.#liveSessionsOf(userId).filter(
      ({ createdAt }) => createdUpTo === undefined || createdAt <= createdUpTo,
    );
    const unlogged = this.#unlogged(userId).filter(
      ({ sessionId }) => createdUpTo === undefined || (createdAtOf(sessionId) ?? 0) <= createdUpTo,
    );
    for (const session of ended) {
      this.#endLiving(session, reason, now, tombstoneTtlMs);
      // The cut-off is logged for all of them.
      this.#unlist(userId, session.sessionId);
    }
    // The cut-off also covers ended sessions whose end is not logged.
    const covered = [...ended, ...unlogged].map(({ sessionId }) => createdAtOf(sessionId) ?? 0);
    const cutoff = createdUpTo ?? Math.max(now, ...covered);
    this.#raiseCutoff(userId, request.securityVersion, cutoff, now + request.cutoffTtlMs);
    return { cutoff, unlogged: unlogged.sort(bySignIn) };
  }

  async read(userId: string, sessionId: string, now: number): Promise<ReadOutcome> {
    const record = this.#find(userId, sessionId, now);
    if (record === undefined) return { kind: 'missing' };
    return record.ended === undefined
      ? { kind: 'live', session: record.session }
      : { kind: 'ended', ended: record.ended };
  }

  async list(userId: string, now: number): Promise<readonly Session[]> {
    return this.#liveSessionsOf(userId)
      .filter((session) => passedDeadline(session, now) === undefined)
      .reverse();
  }

  async markLogged(userId: string, sessionId: string, revision: string, now: number): Promise<void> {
    const record = this.#find(userId, sessionId, this.#clock.now());
    if (record?.ended === undefined) return;
    this.#records.set(keyOf({ userId, sessionId }), {
      ...record,
      ended: { ...record.ended, revision, loggedAt: now },
    });
    this.#unlist(userId, sessionId);
  }

  async ping(): Promise<void> {}

  #find(userId: string, sessionId: string, now: number): LiveRecord | Tombstone | undefined {
    const record = this.#records.get(keyOf({ userId, sessionId }));
    return record?.ended === undefined || record.keptUntil > now ? record : undefined;
  }

  #writeTombstone(
    { userId, sessionId }: Pick<Session, 'userId' | 'sessionId'>,
    reason: EndReason,
    now: number,
    ttlMs: number,
    endedAt = now,
  ): EndedSession {
    const ended: EndedSession = { sessionId, reason, endedAt, revision: undefined };
    this.#records.set(keyOf({ userId, sessionId }), { ended, keptUntil: now + ttlMs });
    this.#unlist(userId, sessionId);
    return ended;
  }

  /** Ends a session whose record is there; a deadline that has passed ended it before. */
  #endLiving(session: Session, reason: EndReason, now: number, ttlMs: number): EndedSession {
    const passed = passedDeadline(session, now);
    if (passed === undefined) return this.#endSession(session, reason, now, ttlMs);
    return this.#writeTombstone(session, passed.reason, now, ttlMs, passed.at);
  }

  /** The session stays in the user's set, so that the end can be found if it is interrupted before it is logged. */
  #endSession(session: Session, reason: EndReason, now: number, ttlMs: number): EndedSession {
    const ended = this.#writeTombstone(session, reason, now, ttlMs);
    this.#enlist(session);
    return ended;
  }

  /** Ends the living sessions with an older security version, except one. Returns all ends that are not logged. */
  #endOthers(
    { userId, keptSessionId, reason, now, tombstoneTtlMs }: EndOtherSessions,
    securityVersion: number,
  ): readonly EndedSession[] {
    for (const session of this.#liveSessionsOf(userId)) {
      if (session.sessionId === keptSessionId || session.securityVersion >= securityVersion) continue;
      this.#endLiving(session, reason, now, tombstoneTtlMs);
    }
    return this.#unlogged(userId)
      .filter(({ sessionId }) => sessionId !== keptSessionId)
      .sort(bySignIn);
  }

  #raiseCutoff(userId: string, securityVersion: number, at: number, keptUntil: number): void {
    const earlier = this.#cutoffs.get(userId);
    this.#cutoffs.set(userId, {
      securityVersion: Math.max(securityVersion, earlier?.securityVersion ?? 0),
      at: Math.max(at, earlier?.at ?? 0),
      keptUntil: Math.max(keptUntil, earlier?.keptUntil ?? 0),
    });
  }

  #enlist({ userId, sessionId }: Session): void {
    const sessionIds = this.#sessionsOfUser.get(userId);
    if (sessionIds === undefined) this.#sessionsOfUser.set(userId, new Set([sessionId]));
    else sessionIds.add(sessionId);
  }

  #unlist(userId: string, sessionId: string): void {
    const sessionIds = this.#sessionsOfUser.get(userId);
    sessionIds?.delete(sessionId);
    if (sessionIds?.size === 0) this.#sessionsOfUser.delete(userId);
  }

  #unlogged(userId: string): EndedSession[] {
    return [...(this.#sessionsOfUser.get(userId) ?? [])]
      .map((sessionId) => this.#records.get(keyOf({ userId, sessionId }))?.ended)
      .filter((ended) => ended !== undefined);
  }

  /** Oldest first: a session id begins with its creation time. */
  #liveSessionsOf(userId: string): Session[] {
    return [...(this.#sessionsOfUser.get(userId) ?? [])]
      .map((sessionId) => this.#records.get(keyOf({ userId, sessionId })))
      .filter((record): record is LiveRecord => record !== undefined && record.ended === undefined)
      .map(({ session }) => session)
      .toSorted(bySignIn);
  }

  /** Ends the user's sessions whose deadline has passed. Returns the others, oldest first. */
  #endExpired({ session: { userId }, now, tombstoneTtlMs }: CreateSession): readonly Session[] {
    return this.#liveSessionsOf(userId).filter((session) => {
      if (passedDeadline(session, now) === undefined) return true;
      this.#endLiving(session, 'IDLE', now, tombstoneTtlMs);
      return false;
    });
  }

  #sweep(): void {
    const now = this.#clock.now();
    if (now - this.#sweptAt < this.#sweepIntervalMs) return;
    this.#sweptAt = now;
    for (const [key, record] of this.#records) {
      if (record.ended !== undefined) {
        if (record.keptUntil > now) continue;
        this.#records.delete(key);
        this.#unlist(key.slice(0, key.indexOf('/')), record.ended.sessionId);
      } else if (passedDeadline(record.session, now) !== undefined) {
        this.#writeTombstone(record.session, 'IDLE', now, 0);
        this.#records.delete(key);
      }
    }
    for (const [userId, { keptUntil }] of this.#cutoffs) {
      if (keptUntil <= now) this.#cutoffs.delete(userId);
    }
  }
}

function keyOf({ userId, sessionId }: Pick<Session, 'userId' | 'sessionId'>): string {
  return `${userId}/${sessionId}`;
}
