/** The value that half of `values` are not above; the mean of the middle two where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  const upper = at(sorted, Math.floor(middle));
  return Number.isInteger(middle) ? (at(sorted, middle - 1) + upper) / 2 : upper;
}

/** The smallest value that at least `share` (0 to 1) of `values` are not above: nearest rank, nothing interpolated. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  return at(sorted, Math.max(0, Math.ceil(sorted.length * share) - 1));
}

/**
 * Events a second between the first and the last of the instants `timesMs`. What happened before the first
 * one ended is not known to have been measured, so that one is not counted.
 */
export function rateBetween(timesMs: readonly number[]): number {
  const sorted = ascending(timesMs);
  const elapsed = at(sorted, sorted.length - 1) - at(sorted, 0);
  if (elapsed <= 0) throw new RangeError('a rate needs events at two instants');
  return ((sorted.length - 1) / elapsed) * 1000;
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('nothing was measured');
  return [...values].sort((a, b) => a - b);
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index}`);
  return value;
}
