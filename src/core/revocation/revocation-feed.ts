import type { Clock } from '../../validator/clock.ts';
import { reaches } from '../../validator/revision.ts';
import { type Revocation, RevocationSet } from '../../validator/revocation-set.ts';
import type { RevocationView } from '../../validator/validator.ts';
import type { FeedListener } from './feed-listener.ts';
import { LOG_PAGE_SIZE, type LoggedRevocation, type RevocationLog } from './revocation-log.ts';

/** Told what happens to the feed; for logs and metrics. */
export interface FeedObserver {
  /** A round failed; the next is tried after a pause. */
  faulted(error: unknown): void;
  /** After faults, a round succeeded and the feed is up to date. */
  recovered(): void;
  /** The log has lost entries; so many are put back. */
  rewound(entries: number): void;
}

export interface RevocationFeedOptions {
  readonly log: RevocationLog;
  readonly clock: Clock;
  /** How long a round waits for an entry; `asOf` is never older than about twice this while all is well. */
  readonly waitMs: number;
  /** How long this server believes an access token at most; milliseconds. */
  readonly tokenLifeMs: number;
  /** Ends again what the log has lost. */
  readonly reinstate: (revocation: Revocation) => Promise<void>;
  readonly observer: FeedObserver;
  /** Told of every entry, in the same turn. Default: nobody. */
  readonly listener?: FeedListener;
}

/** So many calls wait for a revision at most: each is looked at after each round. */
const MAX_REVISION_WAITERS = 2_000;
const RETRY_MS = { first: 50, most: 1_000 };
/**
 * How long beyond a token's life on this server an ending is kept at most; milliseconds. No server accepts a token for
 * longer than a day. Without the bound, an entry with a false expiry would stay, and all entries after it.
 */
const MAX_EXTRA_RETENTION_MS = 86_400_000;

/**
 * Tails the revocation log. A round reads what is new, applies it at once, and asks whether the log still holds what
 * was read before; only then may position and `asOf` move, and `asOf` only to the instant at which the round began:
 * whatever was acknowledged before that was in the log when it was read.
 *
 * A log that has lost entries (a failover, a wipe) is read again from its beginning, and what this process still
 * knows and the log does not is put back. `asOf` stands still until that is done.
 */
export class RevocationFeed implements RevocationView {
  readonly #options: RevocationFeedOptions;
  readonly #set = new RevocationSet();
  #position: string | undefined;
  #revision: string | undefined;
  #coveredSince = Number.POSITIVE_INFINITY;
  #asOf = 0;
  #forgottenUntil = 0;
  #asOfMonotonic = Number.NEGATIVE_INFINITY;
  /** What was read since the log was found to have lost entries; undefined: all is well. */
  #reread: RevocationSet | undefined;
  #caughtUp = false;
  /** What was read after the position in a round that failed: the next round must find it there again. */
  #unconfirmed: readonly LoggedRevocation[] = [];
  /** A round has failed, and none was well since. */
  #faulty = false;
  #closed = false;
  #running: Promise<void> | undefined;
  /** Called after each round. */
  readonly #revisionWaiters = new Set<() => void>();
  #pause: (() => void) | undefined;

  readonly #startedAt: number;
  readonly #startedMonotonic: number;

  constructor(options: RevocationFeedOptions) {
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

  /** How many endings are held. */
  get size(): number {
    return this.#set.size;
  }

  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    return this.#set.endReasonOf(userId, sessionId, sessionCreatedAt);
  }

  /**
   * Resolves with true once the local copy holds the revision, or with false after `withinMs`; with false at once
   * while too many calls wait.
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

  /** Begins to tail. Resolves after the first round, whether it succeeded or not. */
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
      pauseMs = Math.min(2 * pauseMs, RETRY_MS.most);
    }
  }

  async #attempt(): Promise<boolean> {
    try {
      const done = await this.#round();
      if (done && this.#caughtUp && this.#faulty) {
        this.#faulty = false;
        this.#options.observer.recovered();
      }
      return done;
    } catch (error) {
      this.#faulty = true;
      this.#options.listener?.faulted();
      if (!this.#closed) this.#options.observer.faulted(error);
      return false;
    }
  }

  /** False: the log has lost entries, and is looked at again after a pause. */
  async #round(): Promise<boolean> {
    const { log, clock, waitMs } = this.#options;
    const began = { at: clock.now(), monotonic: clock.monotonic() };
    const entries = await log.read(this.#position, this.#caughtUp ? waitMs : 0);
    const isIntact = this.#unconfirmed.every((entry, index) => isSame(entry, entries[index]));
    if (isIntact) this.#learn(entries);

    // The position that was read from, not the one that was read up to: a new entry is there in any case, also in
    // a log that has lost what stood between the two.
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
    const forgetUntil = this.#steadyNow();
    this.#forgottenUntil = Math.max(this.#forgottenUntil, forgetUntil);
    this.#set.forget(forgetUntil);
    // What was put back is known here, and learned by the listener from the log, in the next round.
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

  /** An ending is kept for as long as this server believes a token, whatever the one that logged it believes. */
  #learn(entries: readonly LoggedRevocation[]): void {
    const { clock, tokenLifeMs } = this.#options;
    // If the clock was set back, the steady clock counts, so that nothing is forgotten too early.
    const now = Math.max(clock.now(), this.#startedAt + clock.monotonic() - this.#startedMonotonic);
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

  /** The log has lost entries: from its beginning again. */
  #startOver(): void {
    this.#reread = new RevocationSet();
    this.#position = undefined;
    this.#unconfirmed = [];
    this.#caughtUp = false;
    this.#options.listener?.rewound(this.#coveredSince);
  }

  /** The time, or what it would be had the clock not been set forward since the start: what is forgotten is gone. */
  #steadyNow(): number {
    const { clock } = this.#options;
    return Math.min(clock.now(), this.#startedAt + clock.monotonic() - this.#startedMonotonic);
  }

  /** Answers how many. */
  async #putBack(found: RevocationSet): Promise<number> {
    const now = this.#options.clock.now();
    const lost = [...this.#set.entries()].filter((entry) => entry.expiresAt > now && !found.has(entry));
    this.#options.observer.rewound(lost.length);
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

/** A log that lost entries may give their revisions to others. */
function isSame(a: LoggedRevocation, b: LoggedRevocation | undefined): boolean {
  const { userId, endedAt } = a.revocation;
  return a.revision === b?.revision && userId === b.revocation.userId && endedAt === b.revocation.endedAt;
}
