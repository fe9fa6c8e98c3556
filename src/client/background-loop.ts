import { type Backoff, pause } from './backoff.ts';

/** Does one thing over and over until it is closed: again at once when it is done, after a pause when it failed. */
export class BackgroundLoop {
  readonly #step: (signal: AbortSignal) => Promise<void>;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #fault: unknown;

  /** @param step ends soon once the signal says so. */
  constructor(step: (signal: AbortSignal) => Promise<void>, backoff: Backoff) {
    this.#step = step;
    this.#backoff = backoff;
  }

  /** Aborted when the loop is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Why it failed last; undefined: all is well. */
  get fault(): unknown {
    return this.#fault;
  }

  /** To be called by the step: it works. */
  succeeded(): void {
    this.#fault = undefined;
    this.#backoff.reset();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this;
    while (!signal.aborted) {
      try {
        await this.#step(signal);
      } catch (error) {
        this.#fault = error;
        await pause(this.#backoff.next(), signal);
      }
    }
  }
}
