/**
 * A store call fails within a second. A busy machine may stand still meanwhile, so tests allow more, in milliseconds. A
 * call without a deadline would never fail.
 */
export const IN_TIME_MS = 4_000;
