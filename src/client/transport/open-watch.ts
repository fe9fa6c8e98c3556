import { type Client, type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { BackgroundLoop } from './background-loop.ts';
import { Backoff, pause } from './backoff.ts';
import { type Caller, errorOf } from './calls.ts';
import { cancellable, cancelledError } from './cancellable.ts';
import { closedError } from './channels.ts';
import { isTokenRefused, LatchkeyError, latchkeyError, type Target } from './errors.ts';
import { LatestEvents, watchIterator } from './latest-events.ts';
import { type NamesOf, unknownOption } from './option-names.ts';
import type { WatchInterrupted } from './session-events.ts';
import type { Lease, WatchChannels } from './watch-channels.ts';

/** What a watch is about. One object for each watch. */
export interface Watched<Event, Message> {
  /** The RPC, for messages of errors. */
  readonly method: string;
  /** The token to send. Undefined: none is needed. */
  readonly token: (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Whether `token` may return another one after a refusal. */
  readonly canRenewToken: boolean;
  /** Called with a token that the service refused. */
  readonly forgetToken?: ((token: string) => void) | undefined;
  /** A stream without messages for this long counts as lost, in milliseconds. Undefined: it may be silent. */
  readonly silenceMs: number | undefined;
  readonly open: (client: Client, token: string | undefined) => ClientReadableStream<Message>;
  /** Undefined: the message says nothing. */
  readonly eventOf: (message: Message) => Event | WatchInterrupted | undefined;
  /** The last event, if the error tells it. */
  readonly endOfError: (error: LatchkeyError) => Event | undefined;
  /** Whether nothing follows the event. */
  readonly isLast: (event: Event | WatchInterrupted) => boolean;
  /** Whether the second of two events in a row says nothing new. */
  readonly isSame: (event: Event | WatchInterrupted, latest: Event | WatchInterrupted) => boolean;
}

/** Options that every watch has. */
export interface WatchOptions {
  /** Ends the watch, which then fails with CANCELLED. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

export interface WatchParts {
  readonly caller: Caller;
  readonly channels: WatchChannels;
}

const RETRY_MS = { first: 100, max: 10_000 };
/** A repeat would fail in the same way. */
const FINAL: ReadonlySet<status> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.UNIMPLEMENTED,
]);

/** One watch: opens a stream at the first `next`, and a new one after each that is lost. */
export class OpenWatch<Event, Message> implements AsyncIterable<Event | WatchInterrupted> {
  readonly #parts: WatchParts;
  readonly #watched: Watched<Event, Message>;
  readonly #signal: AbortSignal | undefined;
  /** Called once, when the watch is over. */
  readonly #onOver: (watch: OpenWatch<Event, Message>) => void;
  readonly #loop = new BackgroundLoop((signal) => this.#listen(signal), new Backoff(RETRY_MS));
  readonly #onAbort = () => this.fail(cancelledError());
  readonly #events: LatestEvents<Event | WatchInterrupted>;
  /** Held from the first stream to the end of the watch, so that the health of the addresses stays known. */
  #lease: Lease | undefined;
  #isOver = false;
  readonly #released = Promise.withResolvers<void>();
  /** The last token was refused, and none was accepted since. */
  #wasRefused = false;

  constructor(
    parts: WatchParts,
    watched: Watched<Event, Message>,
    signal: AbortSignal | undefined,
    onOver: (watch: OpenWatch<Event, Message>) => void,
  ) {
    this.#parts = parts;
    this.#watched = watched;
    this.#signal = signal;
    this.#onOver = onOver;
    this.#events = new LatestEvents(watched);
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.asyncIterator](): AsyncIterator<Event | WatchInterrupted> {
    return watchIterator(
      this.#watched.method,
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

  #take(): Promise<IteratorResult<Event | WatchInterrupted>> {
    if (!this.#isOver) this.#loop.start();
    return this.#events.take();
  }

  #put(event: Event | WatchInterrupted): void {
    this.#events.put(event);
    if (this.#watched.isLast(event)) this.#end();
  }

  #end(failure?: LatchkeyError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#events.end(failure);
    void this.#release();
    this.#onOver(this);
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
      const stream = this.#watched.open(connection.client, token);
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
    const getting = this.#watched.token?.();
    return getting instanceof Promise ? cancellable<string | undefined>(getting, signal) : getting;
  }

  #forget(token: string | undefined, error: unknown): void {
    if (isTokenRefused(error) && token !== undefined) this.#watched.forgetToken?.(token);
  }

  /** Resolves if the watch is over, or the next stream is to be opened at once. Rejects if a pause comes first. */
  async #handleError(error: LatchkeyError, signal: AbortSignal): Promise<void> {
    const end = this.#watched.endOfError(error);
    if (end !== undefined) {
      this.#put(end);
      return;
    }
    if (isTokenRefused(error) && !this.#wasRefused && this.#watched.canRenewToken) {
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

  #read(stream: ClientReadableStream<Message>, from: Target, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (why: string) => reject(new LatchkeyError(status.UNAVAILABLE, why));
    const { silenceMs, eventOf } = this.#watched;
    const silence =
      silenceMs === undefined ? undefined : setTimeout(() => lost('The stream is silent.'), silenceMs);
    stream.on('data', (message: Message) => {
      silence?.refresh();
      this.#wasRefused = false;
      this.#loop.succeeded();
      const event = eventOf(message);
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
export class OpenWatches {
  readonly #parts: WatchParts;
  readonly #open = new Set<{ fail(error: LatchkeyError): void; idle(): Promise<void> }>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** @param names the names of the options; any other makes the watch fail. */
  watch<Event, Message, Options extends WatchOptions>(
    watched: Watched<Event, Message>,
    options: Options,
    names: NamesOf<Options>,
  ): OpenWatch<Event, Message> {
    const onOver = (over: OpenWatch<Event, Message>) => void this.#open.delete(over);
    const watch = new OpenWatch(this.#parts, watched, options?.signal, onOver);
    const unknown = unknownOption(options, names);
    if (unknown !== undefined) watch.fail(new LatchkeyError(status.INVALID_ARGUMENT, unknown));
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
