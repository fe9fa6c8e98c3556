import type { Clock } from '../validator/clock.ts';

/** A clock that stands still until it is told otherwise. */
export class TestClock implements Clock {
  #now: number;
  #elapsedMs = 0;

  constructor(now: number) {
    this.#now = now;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#now += ms;
    this.#elapsedMs += ms;
  }

  /** The clock of the day is set, forwards or back, as somebody does who corrects it; no time passes. */
  set(now: Date | number): void {
    this.#now = Number(now);
  }
}
