import { describe, expect, test } from '@jest/globals';
import { median, quantile, rateBetween } from '../../scripts/bench/stats.ts';

describe('the statistics of the bench', () => {
  test('the median does not depend on the order of the values', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  test('a quantile is a measured value', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantile(values, 0.99)).toBe(99);
    expect(quantile(values, 0.5)).toBe(50);
    expect(quantile(values, 1)).toBe(100);
    expect(quantile([3], 0.99)).toBe(3);
  });

  test('the p99 of few values is the largest of them', () => {
    expect(quantile([1, 2, 50], 0.99)).toBe(50);
  });

  test('a rate counts what finished after the first event', () => {
    expect(rateBetween([1000, 1500, 2000])).toBe(2);
    expect(rateBetween([2000, 1000, 1500])).toBe(2);
  });

  test('no measurements cause an error', () => {
    expect(() => median([])).toThrow('nothing was measured');
    expect(() => quantile([], 0.5)).toThrow('nothing was measured');
    expect(() => rateBetween([5])).toThrow(RangeError);
  });
});
