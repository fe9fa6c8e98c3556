import type { Clock } from '../../validator/clock.ts';

/**
 * A clock that stands still until a test moves it.
 *
 * @example
 * const clock: TestClock = latchkey.clock;
 * clock.advance(15 * 60_000); // tokens with the default lifetime expire
 */
export class TestClock implements Clock {
  #now: number;
  #elapsedMs = 0;

  constructor(now: number) {
    this.#now = now;
  }

  /** The wall clock, in milliseconds since 1970. */
  now(): number {
    return this.#now;
  }

  /** The monotonic clock: milliseconds since the clock was created. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Moves both clocks forward by `ms` milliseconds. */
  advance(ms: number): void {
    this.#now += ms;
    this.#elapsedMs += ms;
  }

  /** Sets the wall clock, forwards or back; a number is milliseconds since 1970. The monotonic clock does not change. */
  set(now: Date | number): void {
    this.#now = Number(now);
  }
}
