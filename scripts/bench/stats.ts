/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = (sorted.length - 1) / 2;
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2;
}

/** The nearest-rank quantile: a measured value, not an interpolation. @param share 0 to 1. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = ascending(values);
  return at(sorted, Math.max(0, Math.ceil(sorted.length * share) - 1));
}

/**
 * Events per second between the first and the last of the instants `timesMs`. The first event is not counted, because
 * its work began before that time.
 */
export function rateBetween(timesMs: readonly number[]): number {
  const sorted = ascending(timesMs);
  const elapsedMs = at(sorted, sorted.length - 1) - at(sorted, 0);
  if (elapsedMs <= 0) throw new RangeError('a rate needs events at two instants');
  return ((sorted.length - 1) / elapsedMs) * 1000;
}

function ascending(values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new RangeError('nothing was measured');
  return Float64Array.from(values).sort();
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}
