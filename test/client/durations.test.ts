import { describe, expect, test } from '@jest/globals';
import { durationOf, millisecondsOf } from '../../src/client/transport/durations.ts';

describe('a duration of the contract', () => {
  test('is truncated to whole nanoseconds, its smallest unit', () => {
    expect(durationOf(2_500.1234567)).toStrictEqual({ seconds: 2, nanos: 500_123_456 });
  });

  test.each([0, 999, 1_000, 60_250, 0.25])('of %d ms has the same number of milliseconds', (ms) => {
    expect(millisecondsOf(durationOf(ms))).toBe(ms);
  });
});
