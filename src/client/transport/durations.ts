import type { Duration } from '../../gen/google/protobuf/duration.ts';

/** Milliseconds, with their fraction. Returns undefined for undefined. */
export function millisecondsOf(duration: Duration | undefined): number | undefined {
  return duration && duration.seconds * 1_000 + duration.nanos / 1_000_000;
}

/** @param ms milliseconds, not negative; fractions of a nanosecond are dropped. */
export function durationOf(ms: number): Duration {
  return { seconds: Math.trunc(ms / 1_000), nanos: Math.trunc((ms % 1_000) * 1_000_000) };
}
