import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/telemetry/clock.ts';

test('the clock of the machine counts from 1970, and has a hand that never jumps', () => {
  expect(systemClock.now()).toBeGreaterThan(Date.UTC(2025, 0, 1));
  const earlier = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(earlier);
});
