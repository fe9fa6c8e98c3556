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
  readonly job: BcryptJob;
  readonly reply: PromiseWithResolvers<string | boolean>;
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
  readonly #idle = new Set<BcryptThread>();
  readonly #waiting: WaitingJob[] = [];
  #closed = false;

  private constructor(options: BcryptPoolOptions) {
    this.#options = options;
  }

  /** Resolves when all threads are ready. If one fails to start, closes the pool and throws INTERNAL. */
  static async open(options: BcryptPoolOptions): Promise<BcryptPool> {
    const pool = new BcryptPool(options);
    try {
      await Promise.all(Array.from({ length: options.threads }, () => pool.#startThread().ready));
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
    this.#failWaiting(draining());
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  async #submit(job: BcryptJob): Promise<string | boolean> {
    if (this.#closed) throw draining();
    if (Buffer.byteLength(job.input) > MAX_INPUT_BYTES || job.input.includes('\0')) {
      throw new Failure('INTERNAL', 'The input for bcrypt is too long or contains a NUL.');
    }
    const reply = Promise.withResolvers<string | boolean>();
    this.#waiting.push({ job, reply });
    this.#startJobs();
    return await reply.promise;
  }

  #startJobs(): void {
    for (const thread of this.#idle) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#idle.delete(thread);
      void this.#run(thread, next);
    }
  }

  async #run(thread: BcryptThread, { job, reply }: WaitingJob): Promise<void> {
    try {
      reply.resolve(await thread.run(job));
    } catch (cause) {
      reply.reject(new Failure('INTERNAL', 'A password check was lost; its thread failed.', { cause }));
    }
    this.#setIdle(thread);
  }

  #setIdle(thread: BcryptThread): void {
    // A thread that died with its job is no longer in the pool.
    if (!this.#threads.has(thread)) return;
    this.#idle.add(thread);
    this.#startJobs();
  }

  #startThread(): BcryptThread {
    let wasReady = false;
    const thread = new BcryptThread(this.#options.workerUrl ?? WORKER_URL, (cause) => {
      this.#threads.delete(thread);
      this.#idle.delete(thread);
      if (this.#closed) return;
      this.#options.onThreadLost?.(cause);
      if (wasReady) this.#startThread();
      else this.#startThreadLater(cause);
    });
    this.#threads.add(thread);
    thread.ready.then(
      () => {
        wasReady = true;
        this.#setIdle(thread);
      },
      () => undefined,
    );
    return thread;
  }

  /** A thread that failed to start would fail again, so its restart is delayed. Without threads, waiting jobs fail. */
  #startThreadLater(cause: Error): void {
    if (this.#threads.size === 0) {
      this.#failWaiting(new Failure('INTERNAL', 'No thread can check passwords.', { cause }));
    }
    const restart = (): void => {
      if (!this.#closed) this.#startThread();
    };
    setTimeout(restart, RESTART_DELAY_MS).unref();
  }

  #failWaiting(failure: Failure): void {
    for (const { reply } of this.#waiting.splice(0)) reply.reject(failure);
  }
}
