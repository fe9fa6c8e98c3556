import { describe, expect, test } from '@jest/globals';
import { busyShare } from '../../scripts/bench/quiet.ts';

describe('what others use of the machine', () => {
  test('is all that was neither idle nor waiting for a disk', () => {
    expect(busyShare('cpu  100 0 0 1000 0 0 0 0 0 0', 'cpu  110 5 5 1170 10 0 0 0 0 0')).toBeCloseTo(0.1);
  });

  test('includes what the host took', () => {
    expect(busyShare('cpu  0 0 0 0 0 0 0 0 0 0', 'cpu  0 0 0 75 0 0 0 25 0 0')).toBe(0.25);
  });

  test('does not count guests twice', () => {
    expect(busyShare('cpu  0 0 0 0 0 0 0 0 0 0', 'cpu  50 0 0 50 0 0 0 0 50 0')).toBe(0.5);
  });
});
