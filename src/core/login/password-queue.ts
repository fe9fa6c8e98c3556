import { Failure } from '../failure.ts';
import { FairQueue, type SourcePath } from './fair-queue.ts';

/** Where a call comes from. The queue serves purposes in turn, in each its addresses, in each its connections. */
export interface CallSource {
  readonly purpose: 'sign-in' | 'administration';
  /** The network the caller is in. Empty: there is none, and each connection stands for itself. */
  readonly address: string;
  /** Tells connections apart that are open at the same time. */
  readonly connection: string;
}

export interface QueueCaller {
  readonly source: CallSource;
  /** Aborted: the caller is gone. A place that waits is given up. */
  readonly signal?: AbortSignal;
}

export interface PasswordQueueOptions {
  /** How many have their turn at the same time: one for each thread that hashes. */
  readonly turns: number;
  /** How many may wait for theirs. */
  readonly capacity: number;
  /** Milliseconds since some fixed instant: a clock that never jumps. */
  readonly monotonic: () => number;
}

/** How long a turn is taken to last until the first one was measured. */
const FIRST_GUESS_MS = 250;

/** For what the service hashes by itself, such as the password of the first user. */
const THIS_PROCESS: QueueCaller = {
  source: { purpose: 'administration', address: '', connection: 'this process' },
};

/**
 * The queue for the threads that hash passwords.
 *
 * It is bounded and fair. While it is full, a newcomer gets the newest place of the source that holds the most, and
 * is refused only where that is its own: no single source can lock others out by filling it.
 */
export class PasswordQueue {
  readonly #options: PasswordQueueOptions;
  readonly #waiting = new FairQueue<Place>();
  /** With the instant at which their turn began. */
  readonly #running = new Map<Place, number>();
  #turnMs = FIRST_GUESS_MS;
  #closed = false;

  constructor(options: PasswordQueueOptions) {
    this.#options = options;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a place at once; `leave` it in any case. Throws LOGIN_QUEUE_FULL with `retryAfterMs`, CANCELLED, DRAINING. */
  take({ source, signal }: QueueCaller = THIS_PROCESS): Place {
    if (this.#closed) throw draining();
    if (signal?.aborted === true) throw cancelled(signal);
    const place = new Place(pathOf(source), signal, (left) => this.#leave(left));
    this.#waiting.add(place.path, place);
    this.#startNext();
    if (this.#waiting.size > this.#options.capacity) this.#makeRoomFor(place);
    return place;
  }

  /** Waits for the turn and does the work in it. Fails as `take` and `Place.turn` do. */
  async run<Result>(caller: QueueCaller | undefined, work: () => Promise<Result>): Promise<Result> {
    const place = this.take(caller);
    try {
      await place.turn;
      return await work();
    } finally {
      place.leave();
    }
  }

  /** Fails what waits with DRAINING, and takes nothing more. */
  close(): void {
    this.#closed = true;
    for (let place = this.#waiting.next(); place !== undefined; place = this.#waiting.next()) {
      place.fail(draining());
    }
  }

  #startNext(): void {
    while (this.#running.size < this.#options.turns) {
      const place = this.#waiting.next();
      if (place === undefined) return;
      this.#running.set(place, this.#options.monotonic());
      place.start();
    }
  }

  #makeRoomFor(newcomer: Place): void {
    const loser = this.#waiting.dropFor(newcomer.path);
    const full = new Failure('LOGIN_QUEUE_FULL', 'Too many password checks are waiting; try again later.', {
      retryAfterMs: this.#retryAfterMs(),
    });
    loser?.fail(full);
    if (loser === newcomer) throw full;
  }

  #leave(place: Place): void {
    this.#waiting.remove(place.path, place);
    const startedAt = this.#running.get(place);
    if (startedAt === undefined) return;
    this.#running.delete(place);
    this.#turnMs += (this.#options.monotonic() - startedAt - this.#turnMs) / 8;
    this.#startNext();
  }

  /** When half of the queue will have been served: late enough to find room, early enough to keep the threads busy. */
  #retryAfterMs(): number {
    const { capacity, turns } = this.#options;
    return Math.ceil(this.#turnMs * Math.max(1, capacity / turns / 2));
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
    // It can be lost while its owner does something else.
    this.turn.catch(() => undefined);
    signal?.addEventListener('abort', this.#cancel);
  }

  /** Resolves when the turn begins. LOGIN_QUEUE_FULL: the place went to another source. CANCELLED. DRAINING. */
  get turn(): Promise<void> {
    return this.#turn.promise;
  }

  /** Ends the turn, or gives up the place. Twice is no fault. */
  leave(): void {
    this.#settle();
    this.#onLeave(this);
  }

  /** For the queue. */
  start(): void {
    this.#settle();
    this.#turn.resolve();
  }

  /** For the queue. */
  fail(failure: Failure): void {
    this.#settle();
    this.#turn.reject(failure);
  }

  #settle(): void {
    this.#signal?.removeEventListener('abort', this.#cancel);
  }
}

function pathOf({ purpose, address, connection }: CallSource): SourcePath {
  return [purpose, address === '' ? connection : address, connection];
}

function draining(): Failure {
  return new Failure('DRAINING', 'The server is about to stop; repeat the call on another connection.');
}

function cancelled(signal: AbortSignal | undefined): Failure {
  return new Failure('CANCELLED', 'The caller went away.', { cause: signal?.reason });
}
