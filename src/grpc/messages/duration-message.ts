import type { Duration } from '../../gen/google/protobuf/duration.ts';

/** @param ms milliseconds, 0 or more. Fractions are kept to the nanosecond. */
export function durationMessage(ms: number): Duration {
  const seconds = Math.trunc(ms / 1_000);
  return { seconds, nanos: Math.trunc((ms - seconds * 1_000) * 1_000_000) };
}

/** Milliseconds, with their fraction. */
export function millisecondsOf({ seconds, nanos }: Duration): number {
  return seconds * 1_000 + nanos / 1_000_000;
}
