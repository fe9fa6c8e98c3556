import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/telemetry/clock.ts';

test("the machine's clock counts from 1970, and has a monotonic time", () => {
  expect(systemClock.now()).toBeGreaterThan(Date.UTC(2025, 0, 1));
  const earlier = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(earlier);
});
