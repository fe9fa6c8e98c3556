import type { Clock } from '../../src/validator/clock.ts';

/** A clock that stands still until it is advanced. */
export class ManualClock implements Clock {
  #startMs: number;
  #elapsedMs = 0;

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  advance(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Sets the wall clock forward or back, without any time passing. */
  set(byMs: number): void {
    this.#startMs += byMs;
  }
}
