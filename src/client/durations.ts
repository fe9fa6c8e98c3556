import type { Duration } from '../gen/google/protobuf/duration.ts';

/** Milliseconds, with their fraction. Undefined stays undefined. */
export function millisecondsOf(duration: Duration | undefined): number | undefined {
  return duration && duration.seconds * 1_000 + duration.nanos / 1_000_000;
}

/** @param ms not negative; what is less than a nanosecond is cut off. */
export function durationOf(ms: number): Duration {
  return { seconds: Math.trunc(ms / 1_000), nanos: Math.trunc((ms % 1_000) * 1_000_000) };
}
