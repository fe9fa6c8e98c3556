/**
 * The source of time. Injected, so that time rules can be tested without waiting.
 *
 * @example
 * const clock: Clock = { now: Date.now, monotonic: () => performance.now() };
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, for tokens and records. Jumps if the machine's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary fixed time. Never jumps. Used for ages and staleness. */
  monotonic(): number;
}
