import type { Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { ValidationServiceService, type WatchRevocationsResponse } from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import type { Revocation } from '../validator/revocation-set.ts';
import { abandonable } from './abandonable.ts';
import { BackgroundLoop } from './background-loop.ts';
import { Backoff } from './backoff.ts';
import { calledAs } from './caller-stack.ts';
import { bearer, type Caller } from './calls.ts';
import { durationOf } from './durations.ts';
import { latchkeyError, type Target } from './errors.ts';
import { type HeardRevocations, type Moment, momentOf } from './heard-revocations.ts';

export interface RevocationWatchOptions {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly heard: HeardRevocations;
  readonly maxStalenessMs: number;
  /** Told after each message, of the revocations that were not known before. */
  readonly onMessage: (fresh: readonly Revocation[]) => void;
}

const RETRY_MS = { first: 50, most: 2_000 };
/** A stream that is silent for so many heartbeats, and for so long, is taken for cut. */
const SILENCE = { heartbeats: 3, leastMs: 1_000 };
/**
 * Two steady clocks drift apart by up to a tenth of a millisecond a second: after so long the stream is opened anew,
 * and time counted from there.
 */
const REOPEN_MS = 300_000;
/** A stream that took long to open makes everything on it seem older than it is. Another is tried after this. */
const SLOW_REOPEN_MS = { first: 1_000, most: 60_000 };

/**
 * Keeps one stream of WatchRevocations open, on one address or another, and goes on where the last one stopped.
 */
export class RevocationWatch {
  readonly #options: RevocationWatchOptions;
  readonly #heartbeatMs: number;
  readonly #loop = new BackgroundLoop(
    (signal) => this.#listen(signal),
    new Backoff(RETRY_MS.first, RETRY_MS.most),
  );
  readonly #slow = new Backoff(SLOW_REOPEN_MS.first, SLOW_REOPEN_MS.most);

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
    this.#heartbeatMs = Math.min(Math.max(Math.floor(options.maxStalenessMs / 5), 100), 1_000);
  }

  /** Why the last stream ended, or could not be opened; undefined: all is well. */
  get fault(): unknown {
    return this.#loop.fault;
  }

  start(): void {
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /** Until the stream ends. Fails unless this side ended it. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { caller, clock, heard } = this.#options;
    // Connected first: what connecting takes would be added to the age of all that the stream says.
    const connected = caller.channels.connected(caller.now() + caller.timeoutMs);
    const connection = await abandonable(connected, signal);
    if (signal.aborted) return;
    const opened = momentOf(clock);
    heard.reopen();
    const stream = this.#open(connection.client);
    try {
      await calledAs('WatchRevocations', this.#read(stream, opened, connection.target));
    } catch (error) {
      connection.markUnhealthy();
      throw error;
    } finally {
      stream.cancel();
    }
  }

  #open(client: Client): ClientReadableStream<WatchRevocationsResponse> {
    const { path, requestSerialize, responseDeserialize } = ValidationServiceService.watchRevocations;
    const { caller, heard } = this.#options;
    const request = {
      afterRevision: heard.position?.revision ?? '',
      coveredSince: heard.position?.coveredSince,
      heartbeatInterval: durationOf(this.#heartbeatMs),
    };
    const metadata = bearer(caller.token());
    return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  }

  /** Resolves when it is time for another stream, rejects when this one has ended or has fallen silent. */
  #read(stream: ClientReadableStream<WatchRevocationsResponse>, opened: Moment, from: Target): Promise<void> {
    const { signal } = this.#loop;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timers: NodeJS.Timeout[] = [];
    const silence = setTimeout(() => reject(new Error('The stream fell silent.')), this.#silenceMs());
    timers.push(silence);
    let isFirst = true;
    stream.on('data', (message: WatchRevocationsResponse) => {
      silence.refresh();
      if (isFirst) timers.push(setTimeout(resolve, this.#reopenMs(opened)));
      isFirst = false;
      this.#take(message, opened);
      if (this.#cannotTell(message)) reject(new Error('This address cannot tell how current it is.'));
      if (this.#clocksDisagree(opened)) resolve();
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

  #take(message: WatchRevocationsResponse, opened: Moment): void {
    const { heard, onMessage } = this.#options;
    const fresh = heard.take(message, opened);
    if (message.freshness !== undefined) this.#loop.succeeded();
    onMessage(fresh);
  }

  /** The service may have lost its log for a while; where there are other addresses, one of them may still have it. */
  #cannotTell({ freshness }: WatchRevocationsResponse): boolean {
    const { caller, heard, maxStalenessMs } = this.#options;
    return freshness === undefined && caller.channels.size > 1 && heard.ageMs > maxStalenessMs;
  }

  #silenceMs(): number {
    return Math.max(SILENCE.heartbeats * this.#heartbeatMs, SILENCE.leastMs);
  }

  #reopenMs(opened: Moment): number {
    const tookMs = this.#options.clock.monotonic() - opened.monotonic;
    if (tookMs > this.#options.maxStalenessMs / 4) return this.#slow.next();
    this.#slow.reset();
    return REOPEN_MS;
  }

  /** The clock of the day was set, or the machine slept: what is told counts from a moment that is not true any more. */
  #clocksDisagree(opened: Moment): boolean {
    const now = momentOf(this.#options.clock);
    const apartMs = now.wall - opened.wall - (now.monotonic - opened.monotonic);
    return Math.abs(apartMs) > this.#options.maxStalenessMs / 4;
  }
}
