import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import type { LogPage, RetainedRevocations } from './retained-revocations.ts';

/** How current a subscriber is once it has every entry before the place `end`. */
export interface Freshness {
  /** All revocations acknowledged up to this time are included; milliseconds since 1970. */
  readonly asOf: number;
  /** The same time by the monotonic clock; milliseconds. */
  readonly asOfMonotonic: number;
  /** The revision of the last entry before `end`; undefined: there is none. */
  readonly revision: string | undefined;
  readonly end: number;
}

/** Where the following messages start. */
export interface WatchStart {
  /** When the watch was opened, by the monotonic clock; milliseconds. */
  readonly openedAt: number;
  /** True: the subscriber keeps its entries, and only later ones follow. False: all entries follow. */
  readonly resumed: boolean;
  /** When the log began; milliseconds since 1970. */
  readonly coveredSince: number;
}

export interface WatchMessage {
  /** Set in the first message, and after each restart from the beginning. */
  readonly start: WatchStart | undefined;
  /** Undefined: no new entries. */
  readonly page: LogPage | undefined;
  /** The revision up to which the subscriber is current after this message; undefined: none yet. */
  readonly revision: string | undefined;
  /** Undefined: more entries follow at once, or freshness is currently unknown. */
  readonly freshness: Freshness | undefined;
}

/** Receives the messages of one subscriber. */
export interface SubscriberSink {
  /** Takes one message. The next one comes only after the subscriber's `taken` was called. */
  send(message: WatchMessage): void;
  /** No more messages follow. */
  end(failure: Failure): void;
}

/** What a subscriber reads from. */
export interface SubscriptionSource {
  readonly log: RetainedRevocations;
  readonly clock: Clock;
  readonly freshness: Freshness | undefined;
  readonly coveredSince: number;
  forget(subscriber: RevocationSubscriber): void;
}

/** Maximum interval between two checks of a subscriber; milliseconds. */
export const CHECK_INTERVAL_MS = 50;
/** A subscriber that does not take a message for this long is closed; milliseconds. */
const MAX_BUSY_MS = 10_000;

/** One subscriber: a place in the log and the time of its last freshness message. Nothing is queued for it. */
export class RevocationSubscriber {
  readonly #source: SubscriptionSource;
  readonly #sink: SubscriberSink;
  readonly #heartbeatMs: number;
  readonly #openedAt: number;
  #start: WatchStart | undefined;
  #place: number;
  /** When the last freshness message, or heartbeat without freshness, was sent. */
  #freshnessSentAt: number;
  /** When the message in flight was sent; undefined: the subscriber can take one. */
  #busySince: number | undefined;
  /** The `end` of the freshness in the last message; -1: it had none. */
  #currentTo = -1;
  #isSending = false;
  #isClosed = false;

  /** @param place where to resume; undefined: send all entries. */
  constructor(
    source: SubscriptionSource,
    sink: SubscriberSink,
    heartbeatMs: number,
    place: number | undefined,
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#heartbeatMs = heartbeatMs;
    this.#openedAt = source.clock.monotonic();
    this.#freshnessSentAt = this.#openedAt;
    this.#place = place ?? source.log.first;
    this.#start = this.#startAtPlace(place !== undefined);
  }

  /** Sends what is new or due, if the subscriber can take it. */
  check(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#step()) {
      // Until the subscriber is busy or current.
    }
    this.#isSending = false;
  }

  /** The sink calls this once it can take the next message. */
  taken(): void {
    this.#busySince = undefined;
    this.check();
  }

  /** Starts again from the beginning, because the log was replaced or lost entries. */
  restart(): void {
    this.#place = this.#source.log.first;
    this.#start = this.#startAtPlace(false);
  }

  /** Stops sending to this subscriber. */
  close(): void {
    this.#isClosed = true;
    this.#source.forget(this);
  }

  #startAtPlace(resumed: boolean): WatchStart {
    return { openedAt: this.#openedAt, resumed, coveredSince: this.#source.coveredSince };
  }

  /** Returns whether there may be more to send at once. */
  #step(): boolean {
    if (this.#isClosed) return false;
    const now = this.#source.clock.monotonic();
    if (this.#busySince !== undefined) {
      if (now - this.#busySince >= MAX_BUSY_MS) this.#giveUp();
      return false;
    }
    const page = this.#source.log.pageFrom(this.#place);
    // Sends a heartbeat one check early rather than late.
    const isDue = now - this.#freshnessSentAt >= this.#heartbeatMs - CHECK_INTERVAL_MS;
    const place = page?.to ?? Math.max(this.#place, this.#source.log.first);
    const freshness = this.#freshnessAt(place);
    const hasNews = page !== undefined || this.#start !== undefined;
    const isMoreCurrent = freshness !== undefined && freshness.end > this.#currentTo;
    if (!hasNews && !isDue && !isMoreCurrent) return false;
    this.#place = place;
    this.#send(page, freshness, isDue, now);
    return true;
  }

  #freshnessAt(place: number): Freshness | undefined {
    const { freshness } = this.#source;
    return freshness !== undefined && place >= freshness.end ? freshness : undefined;
  }

  #send(page: LogPage | undefined, freshness: Freshness | undefined, isDue: boolean, now: number): void {
    const start = this.#start;
    this.#start = undefined;
    this.#currentTo = freshness?.end ?? -1;
    if (isDue || freshness !== undefined) this.#freshnessSentAt = now;
    this.#busySince = now;
    const revision = this.#source.log.revisionBefore(this.#place);
    this.#sink.send({ start, page, revision, freshness });
  }

  #giveUp(): void {
    this.close();
    this.#sink.end(new Failure('WATCH_TOO_SLOW', 'The stream was not read for 10 s; open it again.'));
  }
}
