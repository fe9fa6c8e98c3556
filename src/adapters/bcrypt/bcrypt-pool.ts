import { Failure } from '../../core/failure.ts';
import type { PasswordHasher } from '../../core/login/password-hasher.ts';
import { BcryptThread } from './bcrypt-thread.ts';
import type { BcryptJob } from './bcrypt-worker.ts';

export interface BcryptPoolOptions {
  readonly threads: number;
  /** Jobs that may wait for each thread, besides the one it runs. */
  readonly waitingPerThread: number;
  /** Milliseconds since some fixed instant: a clock that never jumps. */
  readonly monotonic: () => number;
  /** Told of every thread that ended by itself; it has been replaced. */
  readonly onThreadLost?: (cause: Error) => void;
  /** The module a thread runs. Default: the worker beside this file. */
  readonly workerUrl?: URL;
}

interface WaitingJob {
  readonly job: BcryptJob;
  /** Puts the job into a thread's hands; it is not waiting any more. */
  readonly start: (thread: BcryptThread) => void;
  readonly fail: (failure: Failure) => void;
}

/** bcrypt reads no further, and says nothing of it. */
const MAX_INPUT_BYTES = 72;
/** What a job is taken to last until the first one was measured. */
const FIRST_GUESS_MS = 250;
/** How soon a thread that could not even start is tried again. */
const RESTART_DELAY_MS = 1_000;

/** The worker has the extension of this file: `.ts` as a source, `.js` when built. */
const WORKER_URL = new URL(
  `./bcrypt-worker${/\.[jt]s$/.exec(import.meta.url)?.[0] ?? '.js'}`,
  import.meta.url,
);

/** bcrypt in threads of its own, first come first served, with a bounded queue. */
export class BcryptPool implements PasswordHasher {
  readonly #options: BcryptPoolOptions;
  readonly #threads = new Set<BcryptThread>();
  readonly #idle: BcryptThread[] = [];
  readonly #waiting = new Set<WaitingJob>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #started = Promise.withResolvers<void>();
  #jobMs = FIRST_GUESS_MS;
  #closed = false;

  private constructor(options: BcryptPoolOptions) {
    this.#options = options;
    for (let i = 0; i < options.threads; i++) this.#spawn();
  }

  /** Resolves when every thread can work; fails with INTERNAL, and with nothing left behind, if one cannot. */
  static async open(options: BcryptPoolOptions): Promise<BcryptPool> {
    const pool = new BcryptPool(options);
    try {
      await pool.#started.promise;
    } catch (cause) {
      await pool.close();
      throw new Failure('INTERNAL', 'The bcrypt threads did not start.', { cause });
    }
    return pool;
  }

  /** How many jobs wait for a thread. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async hash(input: string, cost: number, signal?: AbortSignal): Promise<string> {
    return String(await this.#submit({ kind: 'hash', input, cost }, signal));
  }

  async verify(input: string, hash: string, asDearAs: number, signal?: AbortSignal): Promise<boolean> {
    return (await this.#submit({ kind: 'verify', input, hash, asDearAs }, signal)) === true;
  }

  /** Fails what waits with DRAINING, lets what runs come to its end, ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    this.#failWaiting(draining());
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #submit(job: BcryptJob, signal: AbortSignal | undefined): Promise<string | boolean> {
    const refusal = this.#refusal(job, signal);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    const leave = (): void => {
      this.#waiting.delete(entry);
      signal?.removeEventListener('abort', cancel);
    };
    const cancel = (): void => {
      leave();
      reject(cancelled(signal));
    };
    const entry: WaitingJob = {
      job,
      start: (thread) => {
        leave();
        this.#run(thread, job).then(resolve, reject);
      },
      fail: (failure) => {
        leave();
        reject(failure);
      },
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.#waiting.add(entry);
    this.#dispatch();
    return promise;
  }

  #refusal(job: BcryptJob, signal: AbortSignal | undefined): Failure | undefined {
    if (this.#closed) return draining();
    if (signal?.aborted === true) return cancelled(signal);
    if (Buffer.byteLength(job.input) > MAX_INPUT_BYTES || job.input.includes('\0')) {
      return new Failure('INTERNAL', 'bcrypt was given what it would not read to the end.');
    }
    const { threads, waitingPerThread } = this.#options;
    if (this.#idle.length > 0 || this.#waiting.size < threads * waitingPerThread) return undefined;
    return new Failure('LOGIN_QUEUE_FULL', 'Too many password checks are waiting; try again later.', {
      retryAfterMs: this.#retryAfterMs(),
    });
  }

  /** When half of the queue will have been served: late enough to find room, early enough to keep the threads busy. */
  #retryAfterMs(): number {
    return Math.ceil(this.#jobMs * Math.max(1, this.#options.waitingPerThread / 2));
  }

  #dispatch(): void {
    for (const entry of this.#waiting) {
      const thread = this.#idle.pop();
      if (thread === undefined) return;
      entry.start(thread);
    }
  }

  async #run(thread: BcryptThread, job: BcryptJob): Promise<string | boolean> {
    const { monotonic } = this.#options;
    const startedAt = monotonic();
    try {
      const result = await thread.run(job);
      this.#jobMs += (monotonic() - startedAt - this.#jobMs) / 8;
      return result;
    } catch (cause) {
      throw new Failure('INTERNAL', 'A password check was lost; its thread failed.', { cause });
    } finally {
      if (this.#threads.has(thread)) this.#welcome(thread);
    }
  }

  #welcome(thread: BcryptThread): void {
    this.#idle.push(thread);
    this.#dispatch();
  }

  #spawn(): void {
    const { workerUrl = WORKER_URL, threads } = this.#options;
    const thread = new BcryptThread(workerUrl, {
      ready: () => {
        if (this.#idle.length + 1 >= threads) this.#started.resolve();
        this.#welcome(thread);
      },
      ended: (cause) => this.#replace(thread, cause),
    });
    this.#threads.add(thread);
  }

  #replace(lost: BcryptThread, cause: Error): void {
    this.#threads.delete(lost);
    const index = this.#idle.indexOf(lost);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#closed) return;
    this.#started.reject(cause);
    this.#options.onThreadLost?.(cause);
    if (lost.isReady) this.#spawn();
    else this.#spawnLater(cause);
  }

  /** A thread that dies before its first job would die again at once: no hot loop, and nobody waits for nothing. */
  #spawnLater(cause: Error): void {
    if (this.#threads.size === 0) {
      this.#failWaiting(new Failure('INTERNAL', 'No thread can check passwords.', { cause }));
    }
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#spawn();
    }, RESTART_DELAY_MS);
    this.#restarts.add(timer);
  }

  #failWaiting(failure: Failure): void {
    for (const entry of this.#waiting) entry.fail(failure);
  }
}

function draining(): Failure {
  return new Failure('DRAINING', 'The server is about to stop; repeat the call on another connection.');
}

function cancelled(signal: AbortSignal | undefined): Failure {
  return new Failure('CANCELLED', 'The caller went away.', { cause: signal?.reason });
}
