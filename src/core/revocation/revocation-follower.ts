import type { Clock } from '../../validator/clock.ts';
import { reaches } from '../../validator/revision.ts';
import { type Revocation, RevocationSet } from '../../validator/revocation-set.ts';
import type { RevocationCopy } from '../../validator/validator.ts';
import type { FollowerListener } from './follower-listener.ts';
import { LOG_PAGE_SIZE, type LoggedRevocation, type RevocationLog } from './revocation-log.ts';

/** Receives follower events for logs and metrics. */
export interface FollowerObserver {
  /** A round failed. The follower retries after a pause. */
  readFailed(error: unknown): void;
  /** A round succeeded after failures, and the local copy is current again. */
  recovered(): void;
  /** The log lost entries. `entries` is how many are put back. */
  entriesLost(entries: number): void;
}

export interface RevocationFollowerOptions {
  readonly log: RevocationLog;
  readonly clock: Clock;
  /** How long a round waits for an entry; milliseconds. In normal operation `asOf` is at most about twice this old. */
  readonly waitMs: number;
  /** Maximum lifetime that this server accepts for an access token; milliseconds. */
  readonly tokenLifeMs: number;
  /** Puts back a revocation that the log has lost. */
  readonly reinstate: (revocation: Revocation) => Promise<void>;
  readonly observer: FollowerObserver;
  /** Receives every entry synchronously. Default: none. */
  readonly listener?: FollowerListener;
}

/** Maximum calls that wait for a revision. Each one is checked after every round. */
const MAX_REVISION_WAITERS = 2_000;
const RETRY_MS = { first: 50, max: 1_000 };
/**
 * Maximum time to keep a revocation beyond the token lifetime of this server; milliseconds.
 * No server accepts a token for longer than a day. Without this bound, one entry with a wrong expiry would stay, and so
 * would all later entries.
 */
const MAX_EXTRA_RETENTION_MS = 86_400_000;

/**
 * Follows the revocation log and keeps the local copy current.
 *
 * A round reads new entries and applies them at once. Then it checks that the log still holds what was read before.
 * Only then do the position and `asOf` advance. `asOf` advances to the start of the round: every revocation
 * acknowledged before that was in the log when it was read.
 *
 * If the log lost entries (failover or wipe), it is read again from its beginning. Entries that are still held here but
 * missing from the log are put back. `asOf` does not advance until then.
 */
export class RevocationFollower implements RevocationCopy {
  readonly #options: RevocationFollowerOptions;
  readonly #set = new RevocationSet();
  #position: string | undefined;
  #revision: string | undefined;
  #coveredSince = Number.POSITIVE_INFINITY;
  #asOf = 0;
  #forgottenUntil = 0;
  #asOfMonotonic = Number.NEGATIVE_INFINITY;
  /** What was read since the log was found to have lost entries; undefined: no entries are known to be lost. */
  #reread: RevocationSet | undefined;
  #caughtUp = false;
  /** Entries that a failed round read after the position. The next round must find them again. */
  #unconfirmed: readonly LoggedRevocation[] = [];
  /** The last rounds failed, and none has succeeded since. */
  #isFailing = false;
  #closed = false;
  #running: Promise<void> | undefined;
  /** Called after each round. */
  readonly #revisionWaiters = new Set<() => void>();
  #pause: (() => void) | undefined;

  readonly #startedAt: number;
  readonly #startedMonotonic: number;

  constructor(options: RevocationFollowerOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#startedMonotonic = options.clock.monotonic();
  }

  get revision(): string | undefined {
    return this.#revision;
  }

  get asOf(): number {
    return this.#asOf;
  }

  get ageMs(): number {
    return this.#options.clock.monotonic() - this.#asOfMonotonic;
  }

  get coveredSince(): number {
    return this.#coveredSince;
  }

  get forgottenUntil(): number {
    return this.#forgottenUntil;
  }

  /** How many revocations are held. */
  get size(): number {
    return this.#set.size;
  }

  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    return this.#set.endReasonOf(userId, sessionId, sessionCreatedAt);
  }

  /**
   * Resolves with true once the local copy holds the revision, or with false after `withinMs`.
   * Resolves with false at once while too many calls wait.
   */
  reach(revision: string, withinMs: number): Promise<boolean> {
    if (reaches(this.#revision, revision)) return Promise.resolve(true);
    if (this.#revisionWaiters.size >= MAX_REVISION_WAITERS) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isHeld: boolean) => {
        clearTimeout(timer);
        this.#revisionWaiters.delete(waiting);
        resolve(isHeld);
      };
      const waiting = () => {
        if (reaches(this.#revision, revision)) settle(true);
      };
      const timer = setTimeout(() => settle(false), withinMs);
      this.#revisionWaiters.add(waiting);
    });
  }

  /** Starts following. Resolves after the first round, even if it failed. */
  async start(): Promise<void> {
    await this.#attempt();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.();
    await this.#options.log.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    let pauseMs = RETRY_MS.first;
    while (!this.#closed) {
      if (await this.#attempt()) {
        pauseMs = RETRY_MS.first;
        continue;
      }
      await this.#sleep(pauseMs);
      pauseMs = Math.min(2 * pauseMs, RETRY_MS.max);
    }
  }

  async #attempt(): Promise<boolean> {
    try {
      const done = await this.#round();
      if (done && this.#caughtUp && this.#isFailing) {
        this.#isFailing = false;
        this.#options.observer.recovered();
      }
      return done;
    } catch (error) {
      this.#isFailing = true;
      this.#options.listener?.readFailed();
      if (!this.#closed) this.#options.observer.readFailed(error);
      return false;
    }
  }

  /** Returns false if the log lost entries; the caller then retries after a pause. */
  async #round(): Promise<boolean> {
    const { log, clock, waitMs } = this.#options;
    const began = { at: clock.now(), monotonic: clock.monotonic() };
    const entries = await log.read(this.#position, this.#caughtUp ? waitMs : 0);
    const isIntact = this.#unconfirmed.every((entry, index) => isSame(entry, entries[index]));
    if (isIntact) this.#learn(entries);

    // Inspects the position that was read from, not the new one. A new entry is always present, even in a log that lost
    // the entries between the two.
    const state = await log.inspect(this.#position, clock.now());
    const known = this.#coveredSince !== Number.POSITIVE_INFINITY;
    const sameLog = !known || state.coveredSince === this.#coveredSince;
    this.#coveredSince = state.coveredSince;
    if (!isIntact || !state.continuous || !sameLog) {
      this.#startOver();
      return false;
    }
    this.#unconfirmed = [];
    for (const { revocation } of entries) this.#reread?.add(revocation);
    this.#position = entries.at(-1)?.revision ?? this.#position;
    this.#revision = this.#position;
    for (const waiting of this.#revisionWaiters) waiting();
    this.#caughtUp = entries.length < LOG_PAGE_SIZE;
    if (!this.#caughtUp) return true;

    const putBack = this.#reread === undefined ? 0 : await this.#putBack(this.#reread);
    this.#asOf = began.at;
    this.#asOfMonotonic = began.monotonic;
    const forgetUntil = this.#nowWithoutJumps();
    this.#forgottenUntil = Math.max(this.#forgottenUntil, forgetUntil);
    this.#set.forget(forgetUntil);
    // Entries just put back reach the listener through the log in the next round.
    if (putBack === 0) this.#confirm(forgetUntil);
    return true;
  }

  #confirm(forgetUntil: number): void {
    this.#options.listener?.confirmed({
      coveredSince: this.#coveredSince,
      asOf: this.#asOf,
      asOfMonotonic: this.#asOfMonotonic,
      forgetUntil,
    });
  }

  /** Keeps a revocation for this server's token lifetime, even if the server that logged it uses a shorter one. */
  #learn(entries: readonly LoggedRevocation[]): void {
    const { clock, tokenLifeMs } = this.#options;
    // If the clock was set back, the monotonic clock prevents forgetting an entry too early.
    const now = Math.max(clock.now(), this.#monotonicNow());
    const latest = now + tokenLifeMs + MAX_EXTRA_RETENTION_MS;
    const learned = entries.map(({ revision, revocation }) => {
      const needed = Math.max(revocation.expiresAt, revocation.endedAt + tokenLifeMs);
      const expiresAt = Math.min(needed, latest);
      return { revision, revocation: { ...revocation, expiresAt } };
    });
    for (const { revocation } of learned) this.#set.add(revocation);
    this.#options.listener?.learned(learned.slice(this.#unconfirmed.length));
    this.#unconfirmed = learned;
  }

  /** The log lost entries: read it again from its beginning. */
  #startOver(): void {
    this.#reread = new RevocationSet();
    this.#position = undefined;
    this.#unconfirmed = [];
    this.#caughtUp = false;
    this.#options.listener?.restarted(this.#coveredSince);
  }

  /** The current time, without any forward clock change since the start. Forgotten entries cannot be recovered. */
  #nowWithoutJumps(): number {
    return Math.min(this.#options.clock.now(), this.#monotonicNow());
  }

  /** The time since the start by the monotonic clock, added to the wall clock of the start. */
  #monotonicNow(): number {
    return this.#startedAt + this.#options.clock.monotonic() - this.#startedMonotonic;
  }

  /** Returns how many entries were put back. */
  async #putBack(found: RevocationSet): Promise<number> {
    const now = this.#options.clock.now();
    const lost = [...this.#set.entries()].filter((entry) => entry.expiresAt > now && !found.has(entry));
    this.#options.observer.entriesLost(lost.length);
    for (const revocation of lost) {
      await this.#options.reinstate(revocation);
      found.add(revocation);
    }
    this.#reread = undefined;
    return lost.length;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#pause?.(), ms);
      this.#pause = () => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
    });
  }
}

/** Compares content too: a log that lost entries may reuse their revisions. */
function isSame(a: LoggedRevocation, b: LoggedRevocation | undefined): boolean {
  const { userId, endedAt } = a.revocation;
  return a.revision === b?.revision && userId === b.revocation.userId && endedAt === b.revocation.endedAt;
}
