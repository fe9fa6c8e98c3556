import type { Clock } from '../../validator/clock.ts';
import { storeUnavailable } from '../failure.ts';
import type { Confirmation, FollowerListener } from './follower-listener.ts';
import { RetainedRevocations } from './retained-revocations.ts';
import type { LoggedRevocation } from './revocation-log.ts';
import {
  CHECK_INTERVAL_MS,
  type Freshness,
  RevocationSubscriber,
  type SubscriberSink,
} from './revocation-subscriber.ts';

export interface WatchOptions {
  /** Maximum time between two messages; milliseconds. */
  readonly heartbeatMs: number;
  /** The position that the subscriber already has; undefined: none. */
  readonly after?: WatchPosition | undefined;
}

/** A position in a log. */
export interface WatchPosition {
  readonly revision: string;
  /** When that log began; milliseconds since 1970. */
  readonly coveredSince: number;
}

/** Maximum subscribers served in one turn of the event loop, so that a validation never waits for all of them. */
const SUBSCRIBERS_PER_TURN = 64;

/**
 * Sends what the follower reads to all subscribers. The entries are held once, and a subscriber is a place among them.
 * A subscriber reads on when there are new entries and it has taken its last message. A slow one is closed after 10 s.
 */
export class RevocationSubscriptions implements FollowerListener {
  readonly clock: Clock;
  readonly log = new RetainedRevocations();
  readonly #subscribers = new Set<RevocationSubscriber>();
  #freshness: Freshness | undefined;
  /** Undefined: the follower has never been complete. */
  #coveredSince: number | undefined;
  #hasNews = false;
  #isPassing = false;
  #isPassWanted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How many subscribers are connected. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Undefined: freshness is currently unknown. */
  get freshness(): Freshness | undefined {
    return this.#freshness;
  }

  get coveredSince(): number {
    return this.#coveredSince ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Adds a subscriber. Sending starts at its next `check` and ends when it is closed. Fails with STORE_UNAVAILABLE until
   * the log was read to its end once.
   */
  watch(sink: SubscriberSink, { heartbeatMs, after }: WatchOptions): RevocationSubscriber {
    if (this.#coveredSince === undefined) {
      throw storeUnavailable('revocations', new Error('the revocation log has not been read yet'));
    }
    const isSameLog = after?.coveredSince === this.#coveredSince;
    const place = after !== undefined && isSameLog ? this.log.placeAfter(after.revision) : undefined;
    const subscriber = new RevocationSubscriber(this, sink, heartbeatMs, place);
    this.#subscribers.add(subscriber);
    this.#timer ??= setInterval(() => this.#wake(), CHECK_INTERVAL_MS).unref();
    return subscriber;
  }

  /** A subscriber calls this when it is closed. */
  forget(subscriber: RevocationSubscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  learned(entries: readonly LoggedRevocation[]): void {
    if (entries.length === 0) return;
    this.log.append(entries);
    this.#hasNews = true;
  }

  confirmed({ coveredSince, asOf, asOfMonotonic, forgetUntil }: Confirmation): void {
    const shouldWake = this.#hasNews || this.#freshness === undefined;
    this.#hasNews = false;
    const { end } = this.log;
    this.#coveredSince = coveredSince;
    this.#freshness = { asOf, asOfMonotonic, revision: this.log.revisionBefore(end), end };
    this.log.forget(forgetUntil);
    if (shouldWake) this.#wake();
  }

  readFailed(): void {
    this.#freshness = undefined;
    if (this.#hasNews) this.#wake();
  }

  restarted(coveredSince: number): void {
    this.#freshness = undefined;
    this.#coveredSince = this.#coveredSince === undefined ? undefined : coveredSince;
    this.log.clear();
    for (const subscriber of this.#subscribers) subscriber.restart();
    this.#wake();
  }

  /** Checks every subscriber once. A request during a pass starts another pass after it. */
  #wake(): void {
    if (this.#isPassing) {
      this.#isPassWanted = true;
      return;
    }
    this.#isPassing = true;
    this.#pass(this.#subscribers.values());
  }

  #pass(rest: Iterator<RevocationSubscriber>): void {
    for (let count = 0; count < SUBSCRIBERS_PER_TURN; count += 1) {
      const { value, done } = rest.next();
      if (done) {
        this.#isPassing = false;
        if (this.#isPassWanted) {
          this.#isPassWanted = false;
          this.#wake();
        }
        return;
      }
      value.check();
    }
    setImmediate(() => this.#pass(rest));
  }
}
