import { type Backoff, pause } from './backoff.ts';

/** Repeats a step until the loop is closed: immediately after a success, after a backoff after a failure. */
export class BackgroundLoop {
  readonly #step: (signal: AbortSignal) => Promise<void>;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #fault: unknown;

  /** @param step must end soon after the signal is aborted. */
  constructor(step: (signal: AbortSignal) => Promise<void>, backoff: Backoff) {
    this.#step = step;
    this.#backoff = backoff;
  }

  /** Aborted when the loop is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** The last failure. Undefined: the last step succeeded. */
  get fault(): unknown {
    return this.#fault;
  }

  /** The step calls this when it works: it clears the fault and resets the backoff. */
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
