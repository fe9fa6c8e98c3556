import { Failure } from '../core/failure.ts';
import type {
  RevocationSubscriber,
  SubscriberSink,
  WatchMessage,
} from '../core/revocation/revocation-subscriber.ts';
import type { RevocationSubscriptions, WatchOptions } from '../core/revocation/revocation-subscriptions.ts';
import type { Clock } from '../validator/clock.ts';
import type { CallerCheck } from './interceptors/caller-auth.ts';
import type { WatchEncoder } from './messages/watch-encoder.ts';
import { reasonOf, type StreamingCall } from './server-streaming.ts';

/** Dependencies of a WatchRevocations stream. */
export interface RevocationStreamParts {
  readonly subscriptions: Pick<RevocationSubscriptions, 'watch'>;
  readonly encoder: WatchEncoder;
  readonly clock: Clock;
  /** Checks the caller again while the stream is open. */
  readonly checkCaller: CallerCheck;
}

/** One stream of WatchRevocations. */
export class RevocationStream implements SubscriberSink {
  readonly #parts: RevocationStreamParts;
  readonly #call: StreamingCall;
  readonly #options: WatchOptions;
  readonly #ended = Promise.withResolvers<void>();
  #subscriber: RevocationSubscriber | undefined;
  #validatedAt: number;

  constructor(parts: RevocationStreamParts, call: StreamingCall, options: WatchOptions) {
    this.#parts = parts;
    this.#call = call;
    this.#options = options;
    this.#validatedAt = parts.clock.monotonic();
  }

  /** Sends messages until the stream ends. Always rejects, with the reason of the end. */
  async run(): Promise<void> {
    const { signal } = this.#call;
    if (signal.aborted) throw reasonOf(signal);
    const subscriber = this.#parts.subscriptions.watch(this, this.#options);
    this.#subscriber = subscriber;
    signal.addEventListener('abort', () => this.#endWith(reasonOf(signal)), { once: true });
    subscriber.check();
    try {
      await this.#ended.promise;
    } finally {
      subscriber.close();
    }
  }

  send(message: WatchMessage): void {
    try {
      if (!this.#callerIsAdmitted()) return;
      this.#call.send(this.#parts.encoder.encode(message), () => this.#subscriber?.taken());
    } catch (error) {
      this.#endWith(error);
    }
  }

  end(failure: Failure): void {
    this.#endWith(failure);
  }

  #endWith(error: unknown): void {
    this.#subscriber?.close();
    this.#ended.reject(error);
  }

  /** Checks the caller again once per heartbeat. Nothing is sent to a caller whose token is no longer accepted. */
  #callerIsAdmitted(): boolean {
    const now = this.#parts.clock.monotonic();
    // Half the interval, because heartbeats can be up to 50 ms early. The full interval would skip every second one.
    if (now - this.#validatedAt < this.#options.heartbeatMs / 2) return true;
    this.#validatedAt = now;
    try {
      const checking = this.#parts.checkCaller(this.#call);
      if (checking instanceof Promise) checking.catch((error: unknown) => this.#endUnlessUndecided(error));
      return true;
    } catch (error) {
      return !this.#endUnlessUndecided(error);
    }
  }

  /**
   * Ends the stream, unless the caller could not be checked because a store is unavailable. Then the next heartbeat
   * checks again. Returns whether the stream ended.
   */
  #endUnlessUndecided(error: unknown): boolean {
    if (error instanceof Failure && error.reason === 'STORE_UNAVAILABLE') return false;
    this.#endWith(error);
    return true;
  }
}
