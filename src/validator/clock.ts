/** Where the time comes from. Handed in everywhere, so that a rule about time can be tested without waiting. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, as tokens and records use them. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed instant; never jumps. Ages and staleness are measured with it. */
  monotonic(): number;
}
