import { draining, Failure } from '../failure.ts';
import { FairQueue, type SourcePath } from './fair-queue.ts';

/** The source of a call. The queue serves purposes in turn, then the addresses of each, then their connections. */
export interface CallSource {
  readonly purpose: 'sign-in' | 'known-device' | 'administration';
  /**
   * The caller's network, for example an IPv6 /64. For `known-device`, the user of the device. Empty: unknown; each
   * connection is then its own source.
   */
  readonly address: string;
  /** Unique among open connections. */
  readonly connection: string;
}

export interface QueueCaller {
  readonly source: CallSource;
  /** Aborted: the caller is gone, and its place is released. */
  readonly signal?: AbortSignal;
}

export interface PasswordQueueOptions {
  /** Maximum places with a turn at the same time: at least one per hashing thread. */
  readonly maxRunning: number;
  /** Maximum waiting places. */
  readonly capacity: number;
  /** Milliseconds by a monotonic clock. */
  readonly monotonic: () => number;
}

/** Estimated length of a turn before the first measurement; milliseconds. */
const INITIAL_TURN_MS = 250;

/** The source of hashes without a call, such as the password of the first user. */
const THIS_PROCESS: QueueCaller = {
  source: { purpose: 'administration', address: '', connection: 'this process' },
};

/**
 * The bounded and fair queue for the hashing threads.
 *
 * If the queue is full, a new place replaces the newest place of the largest source. It is rejected only if that source
 * is its own. So no single source can block others by filling the queue.
 */
export class PasswordQueue {
  readonly #options: PasswordQueueOptions;
  readonly #waiting = new FairQueue<Place>();
  /** When the turn of each place started, by the monotonic clock; milliseconds. */
  readonly #running = new Map<Place, number>();
  #turnMs = INITIAL_TURN_MS;
  #closed = false;

  constructor(options: PasswordQueueOptions) {
    this.#options = options;
  }

  /** How many places wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a place at once. Always call `leave` on it. Throws LOGIN_QUEUE_FULL with `retryAfterMs`, CANCELLED, DRAINING.
   */
  take({ source, signal }: QueueCaller = THIS_PROCESS): Place {
    if (this.#closed) throw draining();
    if (signal?.aborted === true) throw cancelled(signal);
    const place = new Place(pathOf(source), signal, (left) => this.#leave(left));
    this.#waiting.add(place.path, place);
    this.#startNext();
    if (this.#waiting.size > this.#options.capacity) this.#makeRoomFor(place);
    return place;
  }

  /** Waits for the turn and runs the work. Fails like `take` and `Place.turn`. */
  async run<Result>(caller: QueueCaller | undefined, work: () => Promise<Result>): Promise<Result> {
    const place = this.take(caller);
    try {
      await place.turn;
      return await work();
    } finally {
      place.leave();
    }
  }

  /** Fails all waiting places with DRAINING. Later calls of `take` fail too. */
  close(): void {
    this.#closed = true;
    for (let place = this.#waiting.next(); place !== undefined; place = this.#waiting.next()) {
      place.fail(draining());
    }
  }

  #startNext(): void {
    while (this.#running.size < this.#options.maxRunning) {
      const place = this.#waiting.next();
      if (place === undefined) return;
      this.#running.set(place, this.#options.monotonic());
      place.start();
    }
  }

  #makeRoomFor(newcomer: Place): void {
    const evicted = this.#waiting.evictFor(newcomer.path);
    const full = new Failure('LOGIN_QUEUE_FULL', 'Too many password checks are waiting; try again later.', {
      retryAfterMs: this.#retryAfterMs(),
    });
    evicted?.fail(full);
    if (evicted === newcomer) throw full;
  }

  #leave(place: Place): void {
    this.#waiting.remove(place.path, place);
    const startedAt = this.#running.get(place);
    if (startedAt === undefined) return;
    this.#running.delete(place);
    this.#turnMs += (this.#options.monotonic() - startedAt - this.#turnMs) / 8;
    this.#startNext();
  }

  /**
   * When half of the queue has been served; milliseconds. Late enough to find room, early enough to keep the threads
   * busy.
   */
  #retryAfterMs(): number {
    const { capacity, maxRunning } = this.#options;
    return Math.ceil(this.#turnMs * Math.max(1, capacity / maxRunning / 2));
  }
}

/** A place in the queue. */
export class Place {
  readonly path: SourcePath;
  readonly #turn = Promise.withResolvers<void>();
  readonly #signal: AbortSignal | undefined;
  readonly #onLeave: (place: Place) => void;
  readonly #cancel = (): void => {
    this.leave();
    this.fail(cancelled(this.#signal));
  };

  constructor(path: SourcePath, signal: AbortSignal | undefined, onLeave: (place: Place) => void) {
    this.path = path;
    this.#signal = signal;
    this.#onLeave = onLeave;
    // A place can fail before its owner awaits the turn. Avoids an unhandled rejection.
    this.turn.catch(() => undefined);
    signal?.addEventListener('abort', this.#cancel);
  }

  /** Resolves when the turn starts. Fails with LOGIN_QUEUE_FULL (evicted), CANCELLED, DRAINING. */
  get turn(): Promise<void> {
    return this.#turn.promise;
  }

  /** Ends the turn, or releases the place. Idempotent. */
  leave(): void {
    this.#removeListener();
    this.#onLeave(this);
  }

  /** Called by the queue: starts the turn. */
  start(): void {
    this.#removeListener();
    this.#turn.resolve();
  }

  /** Called by the queue: rejects the turn. */
  fail(failure: Failure): void {
    this.#removeListener();
    this.#turn.reject(failure);
  }

  #removeListener(): void {
    this.#signal?.removeEventListener('abort', this.#cancel);
  }
}

function pathOf({ purpose, address, connection }: CallSource): SourcePath {
  return [purpose, address === '' ? connection : address, connection];
}

function cancelled(signal: AbortSignal | undefined): Failure {
  return new Failure('CANCELLED', 'The caller went away.', { cause: signal?.reason });
}
