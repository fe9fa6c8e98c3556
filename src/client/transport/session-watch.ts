import {
  type Client,
  type ClientReadableStream,
  type Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { SessionServiceService, type WatchSessionResponse } from '../../gen/latchkey/v1/session.ts';
import { BackgroundLoop } from './background-loop.ts';
import { Backoff, pause } from './backoff.ts';
import { bearer, type Caller, errorOf } from './calls.ts';
import { cancellable, cancelledError } from './cancellable.ts';
import { closedError } from './channels.ts';
import { durationOf } from './durations.ts';
import { isTokenRefused, LatchkeyError, latchkeyError, type Target } from './errors.ts';
import { LatestEvents, watchIterator } from './latest-events.ts';
import { type NamesOf, unknownOption } from './option-names.ts';
import { endOfError, eventOf, type SessionAlive, type SessionEvent } from './session-events.ts';
import type { Lease, WatchChannels } from './watch-channels.ts';

/**
 * Options of `watchSession`.
 *
 * @example
 * const options: WatchSessionOptions = { token: accessToken, signal: AbortSignal.timeout(1_000) };
 * const watch = latchkey.watchSession(options);
 */
export interface WatchSessionOptions {
  /**
   * Access token of the session to watch. A function is called for each stream that is opened, also after a lost
   * connection, so it should return a token that has not expired; it may be asynchronous. If it fails with reason
   * SESSION_ENDED, as `refresh` does, the watch ends with that end. Default: the client's `token` or `serviceAccount`.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Ends the watch, which then fails with CANCELLED. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of one session, as returned by `watchSession`. An iterator that is slow gets only the latest event.
 *
 * @example
 * const watch: SessionWatch = latchkey.watchSession({ token: accessToken });
 * watch.close();
 */
export interface SessionWatch extends AsyncIterable<SessionEvent> {
  /** Ends the watch. Iterators end without a further event. */
  close(): void;
}

export interface SessionWatchParts {
  readonly caller: Caller;
  readonly channels: WatchChannels;
  /** Called once, when the watch is over. */
  readonly onOver: (watch: OpenWatch) => void;
}

const OPTION_NAMES: NamesOf<WatchSessionOptions> = { token: true, signal: true };
const HEARTBEAT_MS = 5_000;
/** A stream without messages for this long counts as lost. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
const RETRY_MS = { first: 100, max: 10_000 };
/** A repeat would fail in the same way. */
const FINAL: ReadonlySet<status> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.INVALID_ARGUMENT,
  status.UNIMPLEMENTED,
]);

/** One watch: opens a stream at the first `next`, and a new one after each that is lost. */
export class OpenWatch implements SessionWatch {
  readonly #parts: SessionWatchParts;
  readonly #options: WatchSessionOptions;
  readonly #loop = new BackgroundLoop((signal) => this.#listen(signal), new Backoff(RETRY_MS));
  readonly #onAbort = () => this.fail(cancelledError());
  readonly #events = new LatestEvents();
  #alive: SessionAlive | undefined;
  /** Held from the first stream to the end of the watch, so that the health of the addresses stays known. */
  #lease: Lease | undefined;
  #isOver = false;
  readonly #released = Promise.withResolvers<void>();
  /** The last token was refused, and none was accepted since. */
  #wasRefused = false;

  constructor(parts: SessionWatchParts, options: WatchSessionOptions) {
    this.#parts = parts;
    this.#options = options;
    const unknown = unknownOption(options, OPTION_NAMES);
    if (unknown !== undefined) {
      this.fail(new LatchkeyError(status.INVALID_ARGUMENT, unknown));
      return;
    }
    const { signal } = options;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.asyncIterator](): AsyncIterator<SessionEvent> {
    return watchIterator(
      () => this.#take(),
      () => this.close(),
    );
  }

  close(): void {
    this.#end();
  }

  /** Ends the watch. The next `next` fails with the error. */
  fail(error: LatchkeyError): void {
    this.#end(error);
  }

  /** Resolves when the watch is over and nothing of it is in progress. */
  idle(): Promise<void> {
    return this.#released.promise;
  }

  #take(): Promise<IteratorResult<SessionEvent>> {
    if (!this.#isOver) this.#loop.start();
    return this.#events.take();
  }

  #put(event: SessionEvent): void {
    this.#events.put(event);
    if (event.kind === 'alive') this.#alive = event;
    if (event.kind === 'ended') this.#end();
  }

  #end(failure?: LatchkeyError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options?.signal?.removeEventListener('abort', this.#onAbort);
    this.#events.end(failure);
    void this.#release();
    this.#parts.onOver(this);
  }

  async #release(): Promise<void> {
    await this.#loop.close();
    this.#lease?.release();
    this.#released.resolve();
  }

  /** Reads one stream until it ends. Settles like `#handleError`. */
  async #listen(signal: AbortSignal): Promise<void> {
    try {
      const { caller, channels } = this.#parts;
      this.#lease ??= channels.lease();
      const connected = this.#lease.channels.connected(caller.now() + caller.timeoutMs);
      const connection = await cancellable(connected, signal);
      const token = await this.#token(signal);
      if (signal.aborted) return;
      const stream = open(connection.client, bearer(token));
      try {
        await this.#read(stream, connection.target, signal);
      } catch (error) {
        if (error instanceof LatchkeyError && error.isUnavailable) connection.markUnhealthy();
        this.#forget(token, error);
        throw error;
      } finally {
        stream.cancel();
      }
    } catch (error) {
      if (!signal.aborted) await this.#handleError(errorOf(error), signal);
    }
  }

  async #token(signal: AbortSignal): Promise<string | undefined> {
    const { token } = this.#options;
    if (typeof token === 'string') return token;
    const getting = token === undefined ? this.#parts.caller.token() : token();
    return getting instanceof Promise ? cancellable<string | undefined>(getting, signal) : getting;
  }

  #forget(token: string | undefined, error: unknown): void {
    if (!isTokenRefused(error) || token === undefined || this.#options.token !== undefined) return;
    this.#parts.caller.forgetToken?.(token);
  }

  /** Resolves if the watch is over, or the next stream is to be opened at once. Rejects if a pause comes first. */
  async #handleError(error: LatchkeyError, signal: AbortSignal): Promise<void> {
    const end = endOfError(error);
    if (end !== undefined) {
      this.#put(end);
      return;
    }
    if (isTokenRefused(error) && !this.#wasRefused && typeof this.#options.token !== 'string') {
      this.#wasRefused = true;
      return;
    }
    if (FINAL.has(error.code)) {
      this.fail(error);
      return;
    }
    this.#put({ kind: 'interrupted', error });
    if (error.retryAfterMs !== undefined) await pause(error.retryAfterMs, signal);
    throw error;
  }

  #read(
    stream: ClientReadableStream<WatchSessionResponse>,
    from: Target,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (why: string) => reject(new LatchkeyError(status.UNAVAILABLE, why));
    const silence = setTimeout(() => lost('The stream is silent.'), SILENCE_MS);
    stream.on('data', (message: WatchSessionResponse) => {
      silence.refresh();
      this.#wasRefused = false;
      this.#loop.succeeded();
      const event = eventOf(message, this.#alive);
      if (event !== undefined) this.#put(event);
    });
    stream.on('error', (error: ServiceError) => reject(latchkeyError(error, from)));
    stream.on('end', () => lost('The service ended the stream.'));
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    return promise.finally(() => {
      clearTimeout(silence);
      signal.removeEventListener('abort', stop);
      stream.removeAllListeners('data');
    });
  }
}

/** The open watches of a client. */
export class SessionWatches {
  readonly #parts: Omit<SessionWatchParts, 'onOver'>;
  readonly #open = new Set<OpenWatch>();

  constructor(parts: Omit<SessionWatchParts, 'onOver'>) {
    this.#parts = parts;
  }

  watch(options: WatchSessionOptions = {}): SessionWatch {
    const onOver = (over: OpenWatch) => void this.#open.delete(over);
    const watch = new OpenWatch({ ...this.#parts, onOver }, options);
    if (this.#parts.caller.refuses()) watch.fail(closedError());
    if (!watch.isOver) this.#open.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    const open = [...this.#open];
    for (const watch of open) watch.fail(closedError());
    await Promise.all(open.map((watch) => watch.idle()));
    await this.#parts.channels.closed();
  }
}

function open(client: Client, metadata: Metadata): ClientReadableStream<WatchSessionResponse> {
  const { path, requestSerialize, responseDeserialize } = SessionServiceService.watchSession;
  const request = { heartbeatInterval: durationOf(HEARTBEAT_MS) };
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
}
