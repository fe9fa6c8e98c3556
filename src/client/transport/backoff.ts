import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

/** Exponential backoff with jitter, so that clients do not all reconnect at the same time. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  /** @param bounds the first and the longest full pause, in milliseconds. */
  constructor({ first, max }: { readonly first: number; readonly max: number }) {
    this.#firstMs = first;
    this.#maxMs = max;
    this.#nextMs = first;
  }

  /** The next pause in milliseconds, between half of the full pause and all of it. */
  next(): number {
    const full = this.#nextMs;
    this.#nextMs = Math.min(2 * full, this.#maxMs);
    return randomInt(Math.ceil(full / 2), full + 1);
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Resolves after `ms` milliseconds, or when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    // A timer fails only if it is aborted. The caller checks the signal next.
  }
}
