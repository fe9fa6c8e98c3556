import { draining, Failure } from '../../core/failure.ts';
import type { PasswordHasher } from '../../core/password/password-hasher.ts';
import { BcryptThread } from './bcrypt-thread.ts';
import type { BcryptJob } from './bcrypt-worker.ts';

export interface BcryptPoolOptions {
  readonly threads: number;
  /** Called for every thread that ended unexpectedly. The pool replaces it. */
  readonly onThreadLost?: (cause: Error) => void;
  /** The module that a thread runs. Default: `bcrypt-worker` in this folder. */
  readonly workerUrl?: URL;
}

interface WaitingJob {
  readonly start: (thread: BcryptThread) => void;
  readonly fail: (failure: Failure) => void;
}

/** bcrypt silently ignores input after this. */
const MAX_INPUT_BYTES = 72;
/** Delay before the next attempt to start a thread that failed to start. */
const RESTART_DELAY_MS = 1_000;

/** The worker has the same extension as this file: `.ts` from source, `.js` when built. */
const WORKER_URL = new URL(
  `./bcrypt-worker${/\.[jt]s$/.exec(import.meta.url)?.[0] ?? '.js'}`,
  import.meta.url,
);

/** Runs bcrypt in worker threads, in the order of submission. Its queue is unbounded; `PasswordQueue` bounds it. */
export class BcryptPool implements PasswordHasher {
  readonly #options: BcryptPoolOptions;
  readonly #threads = new Set<BcryptThread>();
  readonly #idle: BcryptThread[] = [];
  #waiting: WaitingJob[] = [];
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #started = Promise.withResolvers<void>();
  #closed = false;

  private constructor(options: BcryptPoolOptions) {
    this.#options = options;
    for (let i = 0; i < options.threads; i++) this.#spawn();
  }

  /** Resolves when all threads are ready. If one fails to start, closes the pool and throws INTERNAL. */
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

  async hash(input: string, cost: number): Promise<string> {
    return String(await this.#submit({ kind: 'hash', input, cost }));
  }

  async verify(input: string, hash: string, targetCost: number): Promise<boolean> {
    return (await this.#submit({ kind: 'verify', input, hash, targetCost })) === true;
  }

  /** Rejects waiting jobs with DRAINING, waits for running jobs, then stops the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    this.#failWaiting(draining());
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #submit(job: BcryptJob): Promise<string | boolean> {
    if (this.#closed) return Promise.reject(draining());
    if (Buffer.byteLength(job.input) > MAX_INPUT_BYTES || job.input.includes('\0')) {
      return Promise.reject(new Failure('INTERNAL', 'The input for bcrypt is too long or contains a NUL.'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    this.#waiting.push({ start: (thread) => this.#run(thread, job).then(resolve, reject), fail: reject });
    this.#dispatch();
    return promise;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop();
      if (thread === undefined) return;
      this.#waiting.shift()?.start(thread);
    }
  }

  async #run(thread: BcryptThread, job: BcryptJob): Promise<string | boolean> {
    try {
      return await thread.run(job);
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

  /** A thread that failed to start would fail again, so its restart is delayed. Without threads, waiting jobs fail. */
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
    const failed = this.#waiting;
    this.#waiting = [];
    for (const { fail } of failed) fail(failure);
  }
}
