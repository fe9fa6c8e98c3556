import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import { passedDeadline } from './rotation.ts';
import type { Deadlines, SessionEnd, SessionState } from './session-state.ts';

/** The session that is watched, as its access token names it. */
export interface WatchedSession {
  readonly userId: string;
  readonly sessionId: string;
  /** When the session was opened: the timestamp in its id. */
  readonly createdAt: number;
}

export interface AliveMessage {
  /** Set after the session was read. Undefined: a heartbeat. */
  readonly deadlines: Deadlines | undefined;
  /** The session was living at this time; milliseconds since 1970. Undefined: currently not known. */
  readonly asOf: number | undefined;
}

/** Receives the messages of one watcher. */
export interface WatcherSink {
  /** Takes one message. The next one comes only after the watcher's `taken` was called. */
  send(message: AliveMessage): void;
  /** The session has ended. Called at most once, also while a message is in flight. Nothing follows. */
  ended(end: SessionEnd): void;
  /** No more messages follow. */
  fail(failure: Failure): void;
}

/** What a watcher reads from. */
export interface WatcherSource {
  readonly clock: Clock;
  /** All ends acknowledged up to this time were passed on; undefined: currently not known. */
  readonly asOf: number | undefined;
  /** Changes when the log lost entries. What was read before that no longer counts. */
  readonly epoch: number;
  /** @param last the deadlines as last read; undefined: never read. */
  stateOf(session: WatchedSession, now: number, last: Deadlines | undefined): Promise<SessionState>;
  /** Calls the watcher's `read` soon, again until it succeeds. */
  readSoon(watcher: SessionWatcher): void;
  forget(watcher: SessionWatcher): void;
}

/** A record is read again after this time, because its deadlines may have been lowered; milliseconds. */
const REREAD_MS = 15 * 60_000;

/** A watcher that does not take a message for this long is closed; milliseconds. */
const MAX_BUSY_MS = 10_000;

/**
 * One watcher of one session. It has a single timer, for the next heartbeat or read. A refresh writes nothing to the log,
 * so the record is read again when a deadline passes, and every 15 minutes.
 */
export class SessionWatcher {
  readonly session: WatchedSession;
  readonly #source: WatcherSource;
  readonly #sink: WatcherSink;
  readonly #heartbeatMs: number;
  /** As last read; undefined: not read yet. */
  #deadlines: Deadlines | undefined;
  /** When the record was last read, and the epoch of the log at that time. */
  #read = { at: 0, epoch: -1 };
  /** The deadlines were read and are not sent yet. */
  #hasNews = false;
  #isReadDue = false;
  /** By the monotonic clock. */
  #sentAt: number;
  /** When the message in flight was sent; undefined: the watcher can take one. */
  #busySince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(source: WatcherSource, session: WatchedSession, sink: WatcherSink, heartbeatMs: number) {
    this.#source = source;
    this.session = session;
    this.#sink = sink;
    this.#heartbeatMs = heartbeatMs;
    this.#sentAt = source.clock.monotonic();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether a deadline has passed, as last read. A refresh may have moved it since. */
  get isOverdue(): boolean {
    const now = this.#source.clock.now();
    return this.#deadlines !== undefined && passedDeadline(this.#deadlines, now) !== undefined;
  }

  /**
   * Reads the session and sends what it finds. Call it once to start the watch. Fails with STORE_UNAVAILABLE and sends
   * nothing then.
   */
  async read(): Promise<void> {
    const { clock, epoch } = this.#source;
    const at = clock.now();
    const state = await this.#source.stateOf(this.session, at, this.#deadlines);
    if (this.#isClosed) return;
    if (state.kind === 'ended') {
      this.end(state);
      return;
    }
    this.#deadlines = state;
    this.#read = { at, epoch };
    this.#isReadDue = false;
    this.#hasNews = true;
    this.#sendNews();
  }

  /** Sends the end, unless the watcher is closed, and closes it. */
  end(end: SessionEnd): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.ended(end);
  }

  /** The sink calls this once it can take the next message. */
  taken(): void {
    this.#busySince = undefined;
    if (this.#hasNews) this.#sendNews();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#source.forget(this);
  }

  get #asOf(): number | undefined {
    const { asOf, epoch } = this.#source;
    if (asOf === undefined || this.#isReadDue || this.#read.epoch !== epoch) return undefined;
    return Math.max(asOf, this.#read.at);
  }

  /** Milliseconds since 1970. */
  get #readDueAt(): number {
    const { idleDeadline = 0, absoluteDeadline = 0 } = this.#deadlines ?? {};
    return Math.min(idleDeadline, absoluteDeadline, this.#read.at + REREAD_MS);
  }

  #sendNews(): void {
    if (this.#busySince === undefined && !this.#isClosed) {
      this.#hasNews = false;
      this.#send({ deadlines: this.#deadlines, asOf: Math.max(this.#read.at, this.#asOf ?? 0) });
    }
    this.#setTimer();
  }

  #send(message: AliveMessage): void {
    const now = this.#source.clock.monotonic();
    this.#sentAt = now;
    this.#busySince = now;
    this.#sink.send(message);
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#deadlines === undefined) return;
    const { clock } = this.#source;
    const heartbeatInMs = this.#sentAt + this.#heartbeatMs - clock.monotonic();
    const readInMs = this.#isReadDue ? Number.POSITIVE_INFINITY : this.#readDueAt - clock.now();
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, Math.min(heartbeatInMs, readInMs))).unref();
  }

  /** Compares both clocks again: the wall clock may have been set, and a timer may fire early. */
  #onTimer(): void {
    const { clock } = this.#source;
    const now = clock.monotonic();
    if (!this.#isReadDue && clock.now() >= this.#readDueAt) {
      this.#isReadDue = true;
      this.#source.readSoon(this);
    }
    if (this.#busySince !== undefined && now - this.#busySince >= MAX_BUSY_MS) {
      this.#giveUp();
      return;
    }
    if (now - this.#sentAt >= this.#heartbeatMs) {
      if (this.#busySince === undefined) this.#send({ deadlines: undefined, asOf: this.#asOf });
      else this.#sentAt = now;
    }
    this.#setTimer();
  }

  #giveUp(): void {
    this.close();
    this.#sink.fail(new Failure('WATCH_TOO_SLOW', 'The stream was not read for 10 s; open it again.'));
  }
}
