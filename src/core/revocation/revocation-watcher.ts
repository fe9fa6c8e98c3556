import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import type { LivingLog, LogPage } from './living-log.ts';

/** How much of the log is known to whoever has been told everything before the place `end`. */
export interface Freshness {
  /** Every ending acknowledged up to this instant is among it; milliseconds since 1970. */
  readonly asOf: number;
  /** The same instant by the monotonic clock; milliseconds. */
  readonly asOfMonotonic: number;
  /** The last entry before `end`; undefined: there is none. */
  readonly revision: string | undefined;
  readonly end: number;
}

/** Where telling begins. */
export interface WatchStart {
  /** When the watch was opened, by the monotonic clock; milliseconds. */
  readonly openedAt: number;
  /** What follows goes on after what the watcher knows. False: all that there is follows. */
  readonly resumed: boolean;
  /** When the log began; milliseconds since 1970. */
  readonly coveredSince: number;
}

export interface WatchMessage {
  /** Set in the first message, and where telling begins from the beginning again. */
  readonly start: WatchStart | undefined;
  /** Undefined: nothing new. */
  readonly slice: LogPage | undefined;
  /** The place up to which the watcher has been told with this message; undefined: nothing yet. */
  readonly revision: string | undefined;
  /** Undefined: more follows at once, or nothing can be said just now. */
  readonly freshness: Freshness | undefined;
}

/** Where messages go. */
export interface WatchSink {
  /** Takes one message; there is no other before the watcher's `taken` was called. */
  send(message: WatchMessage): void;
  /** The watcher is told no more. */
  end(failure: Failure): void;
}

/** What a watcher reads from. */
export interface WatchSource {
  readonly log: LivingLog;
  readonly clock: Clock;
  readonly freshness: Freshness | undefined;
  readonly coveredSince: number;
  /** Looks at every watcher at least this often; milliseconds. */
  readonly lookEveryMs: number;
  forget(watcher: RevocationWatcher): void;
}

/** A watcher that does not take a message for so long is given up. */
const MAX_BUSY_MS = 10_000;

/** One who is told what ends: a place in the log, and when it was told last. Nothing is queued for it. */
export class RevocationWatcher {
  readonly #source: WatchSource;
  readonly #sink: WatchSink;
  readonly #heartbeatMs: number;
  readonly #openedAt: number;
  #start: WatchStart | undefined;
  #place: number;
  /** When it was told how current it is, or that this cannot be said. */
  #toldAt: number;
  /** Since when a message is on its way to it; undefined: it can take one. */
  #busySince: number | undefined;
  /** The end of what the last message said to be current; -1: it did not say. */
  #currentTo = -1;
  #isSending = false;
  #isClosed = false;

  /** @param place where to go on; undefined: everything is told. */
  constructor(source: WatchSource, sink: WatchSink, heartbeatMs: number, place: number | undefined) {
    this.#source = source;
    this.#sink = sink;
    this.#heartbeatMs = heartbeatMs;
    this.#openedAt = source.clock.monotonic();
    this.#toldAt = this.#openedAt;
    this.#place = place ?? source.log.first;
    this.#start = this.#startHere(place !== undefined);
  }

  /** Sends what is new or due, if the watcher can take it. */
  look(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#step()) {
      // Until it is busy, or knows everything.
    }
    this.#isSending = false;
  }

  /** The last message is out of the way. */
  taken(): void {
    this.#busySince = undefined;
    this.look();
  }

  /** Begins from the beginning: the log is not the one that was told of. */
  restart(): void {
    this.#place = this.#source.log.first;
    this.#start = this.#startHere(false);
  }

  /** Is told no more. */
  close(): void {
    this.#isClosed = true;
    this.#source.forget(this);
  }

  #startHere(resumed: boolean): WatchStart {
    return { openedAt: this.#openedAt, resumed, coveredSince: this.#source.coveredSince };
  }

  /** Whether there may be more to do at once. */
  #step(): boolean {
    if (this.#isClosed) return false;
    const now = this.#source.clock.monotonic();
    if (this.#busySince !== undefined) {
      if (now - this.#busySince >= MAX_BUSY_MS) this.#giveUp();
      return false;
    }
    const page = this.#source.log.pageFrom(this.#place);
    // A look earlier than the next one could be, rather than one late.
    const isDue = now - this.#toldAt >= this.#heartbeatMs - this.#source.lookEveryMs;
    const place = page?.to ?? Math.max(this.#place, this.#source.log.first);
    const freshness = this.#currencyAt(place);
    const isNews = page !== undefined || this.#start !== undefined;
    const isMoreCurrent = freshness !== undefined && freshness.end > this.#currentTo;
    if (!isNews && !isDue && !isMoreCurrent) return false;
    this.#place = place;
    this.#send(page, freshness, isDue, now);
    return true;
  }

  #currencyAt(place: number): Freshness | undefined {
    const { freshness } = this.#source;
    return freshness !== undefined && place >= freshness.end ? freshness : undefined;
  }

  #send(page: LogPage | undefined, freshness: Freshness | undefined, isDue: boolean, now: number): void {
    const start = this.#start;
    this.#start = undefined;
    this.#currentTo = freshness?.end ?? -1;
    if (isDue || freshness !== undefined) this.#toldAt = now;
    this.#busySince = now;
    const revision = this.#source.log.revisionBefore(this.#place);
    this.#sink.send({ start, slice: page, revision, freshness });
  }

  #giveUp(): void {
    this.close();
    this.#sink.end(new Failure('WATCH_TOO_SLOW', 'The messages of this stream were not taken for 10 s.'));
  }
}
