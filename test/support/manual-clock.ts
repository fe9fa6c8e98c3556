import type { Clock } from '../../src/validator/clock.ts';

/** A clock that stands still until it is told to advance. */
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

  /** Sets the clock by so much, as somebody who corrects it does; no time passes. */
  set(byMs: number): void {
    this.#startMs += byMs;
  }
}
