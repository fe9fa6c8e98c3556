import type { Clock } from '../../validator/clock.ts';
import { storeUnavailable } from '../failure.ts';
import type { Confirmation, FeedListener } from './feed-listener.ts';
import { LivingLog } from './living-log.ts';
import type { LoggedRevocation } from './revocation-log.ts';
import { type Freshness, RevocationWatcher, type WatchSink } from './revocation-watcher.ts';

export interface WatchOptions {
  /** At most this long between two messages; milliseconds. */
  readonly heartbeatMs: number;
  /** What the watcher knows already; undefined: nothing. */
  readonly after?: WatchedPlace | undefined;
}

/** A place in a log. */
export interface WatchedPlace {
  readonly revision: string;
  /** When that log began; milliseconds since 1970. */
  readonly coveredSince: number;
}

/** Every watcher is looked at this often: for heartbeats, and for those who do not take their messages. */
const LOOK_EVERY_MS = 50;

/** So many watchers are told in one turn of the event loop, so that a validation never waits for all of them. */
const WATCHERS_A_TURN = 64;

/**
 * Tells everybody who watches what the feed reads. The entries are here once; a watcher is a place among them, and
 * reads on when there is something new and its last message is out of the way. One that is slow costs nothing but
 * its place, and is given up after a while.
 */
export class RevocationBroadcast implements FeedListener {
  readonly clock: Clock;
  readonly log = new LivingLog();
  readonly lookEveryMs = LOOK_EVERY_MS;
  readonly #watchers = new Set<RevocationWatcher>();
  #freshness: Freshness | undefined;
  /** Undefined: the feed was never complete. */
  #coveredSince: number | undefined;
  #hasNews = false;
  #isPassing = false;
  #isPassWanted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How many watch. */
  get size(): number {
    return this.#watchers.size;
  }

  /** Undefined: nothing can be said just now. */
  get freshness(): Freshness | undefined {
    return this.#freshness;
  }

  get coveredSince(): number {
    return this.#coveredSince ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Begins to tell at the next `look` of the watcher, until it is closed. Fails with STORE_UNAVAILABLE while the log
   * was never read to its end.
   */
  watch(sink: WatchSink, { heartbeatMs, after }: WatchOptions): RevocationWatcher {
    if (this.#coveredSince === undefined) {
      throw storeUnavailable('revocations', new Error('the revocation log was not read yet'));
    }
    const isSameLog = after?.coveredSince === this.#coveredSince;
    const place = after !== undefined && isSameLog ? this.log.placeAfter(after.revision) : undefined;
    const watcher = new RevocationWatcher(this, sink, heartbeatMs, place);
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => this.#wake(), LOOK_EVERY_MS).unref();
    return watcher;
  }

  /** To be called by a watcher that is closed. */
  forget(watcher: RevocationWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  learned(entries: readonly LoggedRevocation[]): void {
    if (entries.length === 0) return;
    this.log.append(entries);
    this.#hasNews = true;
  }

  confirmed({ coveredSince, asOf, asOfMonotonic, forgetUntil }: Confirmation): void {
    const isNews = this.#hasNews || this.#freshness === undefined;
    this.#hasNews = false;
    const { end } = this.log;
    this.#coveredSince = coveredSince;
    this.#freshness = { asOf, asOfMonotonic, revision: this.log.revisionBefore(end), end };
    this.log.forget(forgetUntil);
    if (isNews) this.#wake();
  }

  faulted(): void {
    this.#freshness = undefined;
    if (this.#hasNews) this.#wake();
  }

  rewound(coveredSince: number): void {
    this.#freshness = undefined;
    this.#coveredSince = this.#coveredSince === undefined ? undefined : coveredSince;
    this.log.clear();
    for (const watcher of this.#watchers) watcher.restart();
    this.#wake();
  }

  /** Looks at every watcher once from now on. What comes up during a pass is for the next one. */
  #wake(): void {
    if (this.#isPassing) {
      this.#isPassWanted = true;
      return;
    }
    this.#isPassing = true;
    this.#pass(this.#watchers.values());
  }

  #pass(rest: Iterator<RevocationWatcher>): void {
    for (let count = 0; count < WATCHERS_A_TURN; count += 1) {
      const { value, done } = rest.next();
      if (done) {
        this.#isPassing = false;
        if (this.#isPassWanted) {
          this.#isPassWanted = false;
          this.#wake();
        }
        return;
      }
      value.look();
    }
    setImmediate(() => this.#pass(rest));
  }
}
