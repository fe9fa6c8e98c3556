import { median } from './stats.ts';

export type Unit = 'per second' | 'ms' | 'us' | 'bytes' | 'MB';

/** One row of a table: the measured values per round, the reference, and the bar. */
export interface Measurement {
  readonly what: string;
  readonly unit: Unit;
  /** One value for each round. */
  readonly measured: readonly number[];
  /** The reference; the value of the same round. */
  readonly reference?: { readonly name: string; readonly values: readonly number[] };
  /** Undefined: the row has no bar. */
  readonly bar?: Bar | undefined;
  /** Set on the rows of the table that compares validation modes. */
  readonly peer?: PeerFigures;
  /** What a reader must know to interpret the numbers. */
  readonly notes: readonly string[];
  /** Further results, for the JSON file. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Further values of a validation mode. One value per round, except the last. */
export interface PeerFigures {
  /** From the call to its answer; microseconds. */
  readonly p50Us: readonly number[];
  readonly p99Us: readonly number[];
  /** CPU time of the caller's process per validation; microseconds. */
  readonly cpuUs: readonly number[];
  /**
   * How long after a logout's answer the token was last accepted; one value per logout. Undefined: there is no logout.
   */
  readonly acceptedForMs?: readonly number[];
}

/** For the ratio of the measured median to the reference's, or for the measured median itself. */
export interface Bar {
  readonly kind: 'ratio at least' | 'ratio at most' | 'at least' | 'at most';
  readonly value: number;
}

export interface Outcome {
  readonly measured: number;
  readonly reference: number | undefined;
  readonly ratio: number | undefined;
  /** The lowest and the highest ratio of any round. */
  readonly ratioRange: readonly [number, number] | undefined;
  readonly met: boolean;
}

/** Medians over the rounds, their ratio, and whether the bar is met. */
export function outcomeOf({ what, measured, reference, bar }: Measurement): Outcome {
  const value = median(measured);
  const referenceValue = reference && median(reference.values);
  const ratio = referenceValue && value / referenceValue;
  const ratios = reference?.values.map((other, round) => (measured[round] ?? Number.NaN) / other);
  const compared = bar?.kind.startsWith('ratio') ? ratio : value;
  if (compared === undefined) throw new RangeError(`${what} has nothing to be compared with`);
  return {
    measured: value,
    reference: referenceValue,
    ratio,
    ratioRange: ratios && [Math.min(...ratios), Math.max(...ratios)],
    met: bar === undefined || (bar.kind.endsWith('least') ? compared >= bar.value : compared <= bar.value),
  };
}

const SUFFIXES: Readonly<Record<Unit, string>> = {
  'per second': '/s',
  ms: ' ms',
  us: ' µs',
  bytes: ' bytes',
  MB: ' MB',
};

/** Three significant digits, but integers in full. */
const NUMBER = new Intl.NumberFormat('en-US', {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
  maximumFractionDigits: 0,
  roundingPriority: 'morePrecision',
});

export function amount(value: number, unit: Unit): string {
  return `${NUMBER.format(value)}${SUFFIXES[unit]}`;
}

/** 1,000,000 */
export function thousands(count: number): string {
  return count.toLocaleString('en-US');
}
