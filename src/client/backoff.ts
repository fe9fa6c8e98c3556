import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

/** How long to pause before the next try: twice as long each time, spread so that clients do not come back as one. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#nextMs = firstMs;
  }

  /** Milliseconds, half of the full pause at least. */
  next(): number {
    const full = this.#nextMs;
    this.#nextMs = Math.min(2 * full, this.#mostMs);
    return randomInt(Math.ceil(full / 2), full + 1);
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Resolves after so many milliseconds, or at once when the signal says so. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    // Aborted, which is all that a timer can fail with: whoever pauses looks at the signal next.
  }
}
