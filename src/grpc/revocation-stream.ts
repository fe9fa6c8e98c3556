import { Failure } from '../core/failure.ts';
import type { RevocationBroadcast, WatchOptions } from '../core/revocation/revocation-broadcast.ts';
import type { RevocationWatcher, WatchMessage, WatchSink } from '../core/revocation/revocation-watcher.ts';
import type { Clock } from '../validator/clock.ts';
import type { Admission } from './interceptors/caller-auth.ts';
import type { WatchEncoder } from './messages/watch-encoder.ts';
import type { StreamingCall } from './server-streaming.ts';

/** What a stream of WatchRevocations is fed with. */
export interface RevocationStreamParts {
  readonly broadcast: Pick<RevocationBroadcast, 'watch'>;
  readonly encoder: WatchEncoder;
  readonly clock: Clock;
  /** Judges the caller again, for as long as the stream lasts. */
  readonly admission: Admission;
}

/** One stream of WatchRevocations. */
export class RevocationStream implements WatchSink {
  readonly #parts: RevocationStreamParts;
  readonly #call: StreamingCall;
  readonly #options: WatchOptions;
  readonly #ended = Promise.withResolvers<void>();
  #watcher: RevocationWatcher | undefined;
  #judgedAt: number;

  constructor(parts: RevocationStreamParts, call: StreamingCall, options: WatchOptions) {
    this.#parts = parts;
    this.#call = call;
    this.#options = options;
    this.#judgedAt = parts.clock.monotonic();
  }

  /** Tells until the stream ends. Rejects with why. */
  async run(): Promise<void> {
    const { signal } = this.#call;
    if (signal.aborted) throw reasonOf(signal);
    const watcher = this.#parts.broadcast.watch(this, this.#options);
    this.#watcher = watcher;
    signal.addEventListener('abort', () => this.#endWith(reasonOf(signal)), { once: true });
    watcher.look();
    try {
      await this.#ended.promise;
    } finally {
      watcher.close();
    }
  }

  send(message: WatchMessage): void {
    try {
      if (!this.#callerIsAdmitted()) return;
      this.#call.send(this.#parts.encoder.encode(message), () => this.#watcher?.taken());
    } catch (error) {
      this.#endWith(error);
    }
  }

  end(failure: Failure): void {
    this.#endWith(failure);
  }

  #endWith(error: unknown): void {
    this.#watcher?.close();
    this.#ended.reject(error);
  }

  /** Judges the caller again once a heartbeat: by a token that is not good any more nothing is told. */
  #callerIsAdmitted(): boolean {
    const now = this.#parts.clock.monotonic();
    // Half the interval: heartbeats come up to 50 ms early, and a comparison with the whole interval would skip every
    // second one.
    if (now - this.#judgedAt < this.#options.heartbeatMs / 2) return true;
    this.#judgedAt = now;
    try {
      const admitted = this.#parts.admission(this.#call);
      if (admitted instanceof Promise) admitted.catch((error: unknown) => this.#endUnlessUndecided(error));
      return true;
    } catch (error) {
      return !this.#endUnlessUndecided(error);
    }
  }

  /**
   * Ends the stream, but not where nobody can tell whether the caller is still good: the next heartbeat asks again.
   * Answers whether it ended.
   */
  #endUnlessUndecided(error: unknown): boolean {
    if (error instanceof Failure && error.reason === 'STORE_UNAVAILABLE') return false;
    this.#endWith(error);
    return true;
  }
}

function reasonOf({ reason }: AbortSignal): Failure {
  return reason instanceof Failure ? reason : new Failure('CANCELLED', 'The caller has gone.');
}
