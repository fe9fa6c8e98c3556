import type { Clock } from '../../validator/clock.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import type { EndReason } from '../audit/end-reason.ts';
import { Failure } from '../failure.ts';
import type { Confirmation, FollowerListener } from '../revocation/follower-listener.ts';
import type { LoggedRevocation } from '../revocation/revocation-log.ts';
import { Rereads } from './rereads.ts';
import { type Deadlines, type SessionEnd, type SessionState, sessionState } from './session-state.ts';
import type { SessionStore } from './session-store.ts';
import { SessionWatcher, type WatchedSession, type WatcherSink } from './session-watcher.ts';

export interface SessionWatchersOptions {
  readonly store: Pick<SessionStore, 'read'>;
  /** Detects a record that ended but was restored by a failover. */
  readonly revocations: Pick<RevocationCopy, 'endReasonOf'>;
  readonly clock: Clock;
  /** Default: WATCH_LIMITS. */
  readonly limits?: WatchLimits;
}

/** Maximum open watchers. */
export interface WatchLimits {
  readonly session: number;
  readonly user: number;
  /** Of this process. */
  readonly server: number;
}

/**
 * A session has one watcher for each open browser window. The streams of a lost connection count until the loss is
 * detected, after up to 80 s.
 */
export const WATCH_LIMITS: WatchLimits = { session: 10, user: 1_000, server: 20_000 };

/** Ends passed on in one turn of the event loop, so that a validation never waits for all watchers. */
const ENDS_PER_TURN = 64;

const RETRY_AFTER_MS = 10_000;

/**
 * Passes ends on to the watchers of sessions: those that the follower reads, and those at a deadline.
 *
 * A watcher is registered before its session is read. So an end in between is found by the follower or by the read.
 */
export class SessionWatchers implements FollowerListener {
  readonly clock: Clock;
  readonly #options: SessionWatchersOptions;
  readonly #limits: WatchLimits;
  readonly #byUser = new Map<string, Set<SessionWatcher>>();
  readonly #rereads = new Rereads<SessionWatcher>();
  #size = 0;
  #asOf: number | undefined;
  #epoch = 0;
  /** The epoch in which the sessions of all watchers were last read. */
  #readEpoch = 0;
  /** Ends that were learned and not passed on yet, in order. */
  #learned: { readonly watcher: SessionWatcher; readonly end: SessionEnd }[] = [];
  #isPassing = false;

  constructor(options: SessionWatchersOptions) {
    this.#options = options;
    this.#limits = options.limits ?? WATCH_LIMITS;
    this.clock = options.clock;
  }

  /** How many watchers are open. */
  get size(): number {
    return this.#size;
  }

  get asOf(): number | undefined {
    return this.#asOf;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Registers a watcher. It sends nothing before its `read` was called. Fails with TOO_MANY_WATCHES. */
  watch(session: WatchedSession, sink: WatcherSink, heartbeatMs: number): SessionWatcher {
    const { userId } = session;
    const own = this.#byUser.get(userId) ?? new Set();
    this.#requireRoom(session, own);
    const watcher = new SessionWatcher(this, session, sink, heartbeatMs);
    this.#byUser.set(userId, own.add(watcher));
    this.#size += 1;
    return watcher;
  }

  /** A watcher calls this when it is closed. */
  forget(watcher: SessionWatcher): void {
    const { userId } = watcher.session;
    const own = this.#byUser.get(userId);
    if (own?.delete(watcher) !== true) return;
    if (own.size === 0) this.#byUser.delete(userId);
    this.#size -= 1;
    this.#rereads.delete(watcher);
  }

  readSoon(watcher: SessionWatcher): void {
    this.#rereads.add(watcher);
  }

  async stateOf(
    { userId, sessionId, createdAt }: WatchedSession,
    now: number,
    last: Deadlines | undefined,
  ): Promise<SessionState> {
    const { store, revocations } = this.#options;
    const found = await store.read(userId, sessionId, now);
    return sessionState(found, revocations.endReasonOf(userId, sessionId, createdAt), now, last);
  }

  learned(entries: readonly LoggedRevocation[]): void {
    for (const { revocation } of entries) {
      for (const watcher of this.#byUser.get(revocation.userId) ?? []) {
        if (!isEndedBy(watcher.session, revocation)) continue;
        const { reason, endedAt } = revocation;
        // The cut-off came after the deadline. The record says which one it was, or that a refresh moved it.
        if (revocation.kind === 'user' && watcher.isOverdue) this.#rereads.add(watcher);
        else this.#learned.push({ watcher, end: { reason: reason as EndReason, endedAt } });
      }
    }
    if (!this.#isPassing) this.#passOn();
  }

  confirmed({ asOf }: Confirmation): void {
    this.#asOf = asOf;
    if (this.#readEpoch === this.#epoch) return;
    this.#readEpoch = this.#epoch;
    for (const own of this.#byUser.values()) for (const watcher of own) this.#rereads.add(watcher);
  }

  readFailed(): void {
    this.#asOf = undefined;
  }

  /** Sessions or ends may be lost. The sessions are read again once the log was read to its end. */
  restarted(): void {
    this.#asOf = undefined;
    this.#epoch += 1;
  }

  #requireRoom({ sessionId }: WatchedSession, own: ReadonlySet<SessionWatcher>): void {
    const ofSession = [...own].filter(({ session }) => session.sessionId === sessionId).length;
    if (ofSession >= this.#limits.session) throw tooManyWatches('session');
    if (own.size >= this.#limits.user) throw tooManyWatches('user');
    if (this.#size >= this.#limits.server) throw tooManyWatches('server');
  }

  #passOn(): void {
    const ready = this.#learned.splice(0, ENDS_PER_TURN);
    for (const { watcher, end } of ready) watcher.end(end);
    this.#isPassing = this.#learned.length > 0;
    if (this.#isPassing) setImmediate(() => this.#passOn());
  }
}

function isEndedBy({ sessionId, createdAt }: WatchedSession, revocation: Revocation): boolean {
  return revocation.kind === 'session' ? revocation.sessionId === sessionId : createdAt <= revocation.cutoff;
}

function tooManyWatches(limit: keyof WatchLimits): Failure {
  return new Failure(
    'TOO_MANY_WATCHES',
    `Too many streams of WatchSession are open for this ${limit}; close some or try again later.`,
    {
      metadata: { limit },
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
}
