import { Worker } from 'node:worker_threads';
import type { BcryptJob, BcryptReply } from './bcrypt-worker.ts';

/** One worker thread. Runs one job at a time. */
export class BcryptThread {
  /** Resolves when the thread can take its first job. Rejects if it ends before. */
  readonly ready: Promise<unknown>;
  readonly #worker: Worker;
  /** The reply that is due: first the one that says ready, then one for each job. */
  #reply: PromiseWithResolvers<string | boolean> | undefined;

  /** `onEnd` is called when the thread has exited, for whatever reason. Its job, if any, was rejected before. */
  constructor(workerUrl: URL, onEnd: (cause: Error) => void) {
    // No environment: the thread cannot leak secrets that it cannot read.
    this.#worker = new Worker(workerUrl, { name: 'bcrypt', env: {} });
    this.ready = this.#nextReply();
    this.#worker.on('message', (reply: BcryptReply) => {
      if (reply.kind === 'done') this.#takeReply()?.resolve(reply.result);
      else this.#takeReply()?.reject(new Error(reply.message));
    });
    let thrown: Error | undefined;
    this.#worker.on('error', (error: unknown) => {
      thrown = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on('exit', (code) => {
      const cause = thrown ?? new Error(`The thread ended with exit code ${code}.`);
      this.#takeReply()?.reject(cause);
      onEnd(cause);
    });
  }

  /** Runs a job. Call it again only after the returned promise has settled. */
  run(job: BcryptJob): Promise<string | boolean> {
    this.#worker.postMessage(job);
    return this.#nextReply();
  }

  /** Waits for the current job, then stops the thread. */
  async end(): Promise<void> {
    await Promise.allSettled([this.#reply?.promise]);
    await this.#worker.terminate();
  }

  #nextReply(): Promise<string | boolean> {
    this.#reply = Promise.withResolvers();
    return this.#reply.promise;
  }

  #takeReply(): PromiseWithResolvers<string | boolean> | undefined {
    const reply = this.#reply;
    this.#reply = undefined;
    return reply;
  }
}
