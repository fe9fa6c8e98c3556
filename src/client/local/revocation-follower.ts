import type { Client, ClientReadableStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { ValidationServiceService, type WatchRevocationsResponse } from '../../gen/latchkey/v1/validation.ts';
import type { Clock } from '../../validator/clock.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import { BackgroundLoop } from '../transport/background-loop.ts';
import { Backoff } from '../transport/backoff.ts';
import { calledAs } from '../transport/caller-stack.ts';
import { bearer, type Caller } from '../transport/calls.ts';
import { cancellable } from '../transport/cancellable.ts';
import { durationOf } from '../transport/durations.ts';
import { isTokenRefused, latchkeyError, type Target } from '../transport/errors.ts';
import { type LocalCopy, type Moment, momentOf } from './local-copy.ts';

export interface RevocationFollowerOptions {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly copy: LocalCopy;
  readonly maxStalenessMs: number;
  /** Called after each message with the revocations that the copy did not have. */
  readonly onMessage: (added: readonly Revocation[]) => void;
}

const RETRY_MS = { first: 50, max: 2_000 };
/** A stream counts as lost after this silence: three heartbeats, and at least one second. */
const SILENCE = { heartbeats: 3, minMs: 1_000 };
/**
 * How often the stream is reopened, in milliseconds. Two monotonic clocks drift apart by up to 0.1 ms per second, and
 * reopening resets the drift.
 */
const REOPEN_MS = 300_000;
/** Backoff before a slow stream is reopened, in milliseconds. The time to open adds to the age of its messages. */
const SLOW_REOPEN_MS = { first: 1_000, max: 60_000 };

/** Keeps one WatchRevocations stream open, to any address. Each stream resumes where the last one stopped. */
export class RevocationFollower {
  readonly #options: RevocationFollowerOptions;
  readonly #heartbeatMs: number;
  readonly #loop = new BackgroundLoop((signal) => this.#listen(signal), new Backoff(RETRY_MS));
  readonly #slowReopen = new Backoff(SLOW_REOPEN_MS);

  constructor(options: RevocationFollowerOptions) {
    this.#options = options;
    this.#heartbeatMs = Math.min(Math.max(Math.floor(options.maxStalenessMs / 5), 100), 1_000);
  }

  /** Why the last stream ended or failed to open. Undefined: the stream works. */
  get fault(): unknown {
    return this.#loop.fault;
  }

  start(): void {
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /** Runs until the stream ends. Rejects unless the client ended it. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { caller, clock, copy } = this.#options;
    // Connects first: the time to connect would otherwise add to the age of every message.
    const connected = caller.channels.connected(caller.now() + caller.timeoutMs);
    const connection = await cancellable(connected, signal);
    const token = await caller.token();
    if (signal.aborted) return;
    const opened = momentOf(clock);
    copy.reopen();
    const stream = this.#open(connection.client, bearer(token));
    try {
      await calledAs('WatchRevocations', this.#read(stream, opened, connection.target));
    } catch (error) {
      if (isTokenRefused(error) && token !== undefined) caller.forgetToken?.(token);
      connection.markUnhealthy();
      throw error;
    } finally {
      stream.cancel();
    }
  }

  #open(client: Client, metadata: Metadata): ClientReadableStream<WatchRevocationsResponse> {
    const { path, requestSerialize, responseDeserialize } = ValidationServiceService.watchRevocations;
    const { copy } = this.#options;
    const request = {
      afterRevision: copy.position?.revision ?? '',
      coveredSince: copy.position?.coveredSince,
      heartbeatInterval: durationOf(this.#heartbeatMs),
    };
    return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  }

  /** Resolves when it is time to reopen. Rejects when the stream ends or is silent for too long. */
  #read(stream: ClientReadableStream<WatchRevocationsResponse>, opened: Moment, from: Target): Promise<void> {
    const { signal } = this.#loop;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timers: NodeJS.Timeout[] = [];
    const silence = setTimeout(() => reject(new Error('The stream is silent.')), this.#silenceMs());
    timers.push(silence);
    let isFirst = true;
    stream.on('data', (message: WatchRevocationsResponse) => {
      silence.refresh();
      if (isFirst) timers.push(setTimeout(resolve, this.#reopenMs(opened)));
      isFirst = false;
      this.#apply(message, opened);
      if (this.#lacksFreshness(message)) reject(new Error('This address reports no freshness.'));
      if (this.#clockChanged(opened)) resolve();
    });
    stream.on('error', (error: ServiceError) => reject(latchkeyError(error, from)));
    stream.on('end', () => reject(new Error('The stream ended.')));
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    return promise.finally(() => {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      stream.removeAllListeners('data');
    });
  }

  #apply(message: WatchRevocationsResponse, opened: Moment): void {
    const { copy, onMessage } = this.#options;
    const added = copy.apply(message, opened);
    if (message.freshness !== undefined) this.#loop.succeeded();
    onMessage(added);
  }

  /** The server at this address may not be able to read the log. Then another address may be fresher. */
  #lacksFreshness({ freshness }: WatchRevocationsResponse): boolean {
    const { caller, copy, maxStalenessMs } = this.#options;
    return freshness === undefined && caller.channels.size > 1 && copy.ageMs > maxStalenessMs;
  }

  #silenceMs(): number {
    return Math.max(SILENCE.heartbeats * this.#heartbeatMs, SILENCE.minMs);
  }

  #reopenMs(opened: Moment): number {
    const openingMs = this.#options.clock.monotonic() - opened.monotonic;
    if (openingMs > this.#options.maxStalenessMs / 4) return this.#slowReopen.next();
    this.#slowReopen.reset();
    return REOPEN_MS;
  }

  /** The wall clock was set, or the machine slept. `opened` is no longer a valid base for ages. */
  #clockChanged(opened: Moment): boolean {
    const now = momentOf(this.#options.clock);
    const differenceMs = now.wall - opened.wall - (now.monotonic - opened.monotonic);
    return Math.abs(differenceMs) > this.#options.maxStalenessMs / 4;
  }
}
