import { Worker } from 'node:worker_threads';
import type { BcryptJob, BcryptReply } from './bcrypt-worker.ts';

export interface ThreadEvents {
  /** The thread can take its first job. */
  readonly ready: () => void;
  /** The thread has exited, for whatever reason. Its job, if any, was rejected before. */
  readonly ended: (cause: Error) => void;
}

interface Pending {
  readonly resolve: (result: string | boolean) => void;
  readonly reject: (cause: Error) => void;
  readonly settled: Promise<unknown>;
}

/** One worker thread. Runs one job at a time. */
export class BcryptThread {
  readonly #worker: Worker;
  #pending: Pending | undefined;
  #cause: Error | undefined;
  #isReady = false;

  constructor(workerUrl: URL, events: ThreadEvents) {
    // No environment: the thread cannot leak secrets that it cannot read.
    this.#worker = new Worker(workerUrl, { name: 'bcrypt', env: {} });
    this.#worker.on('message', (reply: BcryptReply) => {
      if (reply.kind === 'ready') {
        this.#isReady = true;
        events.ready();
      } else {
        this.#settle(reply);
      }
    });
    this.#worker.on('error', (error: unknown) => {
      this.#cause = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on('exit', (code) => {
      const cause = this.#cause ?? new Error(`The thread ended with exit code ${code}.`);
      this.#take()?.reject(cause);
      events.ended(cause);
    });
  }

  /** True once the thread has been ready for jobs. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Runs a job. Call it again only after the returned promise has settled. */
  run(job: BcryptJob): Promise<string | boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    this.#pending = { resolve, reject, settled: promise.catch(() => undefined) };
    this.#worker.postMessage(job);
    return promise;
  }

  /** Waits for the current job, then stops the thread. */
  async end(): Promise<void> {
    await this.#pending?.settled;
    await this.#worker.terminate();
  }

  #settle(reply: Exclude<BcryptReply, { kind: 'ready' }>): void {
    const pending = this.#take();
    if (reply.kind === 'done') pending?.resolve(reply.result);
    else pending?.reject(new Error(reply.message));
  }

  #take(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }
}
