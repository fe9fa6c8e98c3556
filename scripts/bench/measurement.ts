import { median } from './stats.ts';

export type Unit = 'per second' | 'ms' | 'us' | 'bytes' | 'MB';

/** One row of a table: what was measured, round by round, against what, and the bar it has to reach. */
export interface Measurement {
  readonly what: string;
  readonly unit: Unit;
  /** One value for each round. */
  readonly measured: readonly number[];
  /** What it is compared with; the value of the same round. */
  readonly reference?: { readonly name: string; readonly values: readonly number[] };
  /** Missing: the row informs and is not judged. */
  readonly bar?: Bar | undefined;
  /** Set on the rows of the table that compares ways to validate. */
  readonly peer?: PeerFigures;
  /** What a reader must know to judge the numbers. */
  readonly notes: readonly string[];
  /** Everything else that was seen, for the JSON file. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Further figures of a way to validate. One value for each round, except the last. */
export interface PeerFigures {
  /** From the call to its answer, microseconds. */
  readonly p50Us: readonly number[];
  readonly p99Us: readonly number[];
  /** CPU time of the caller's process for each validation, microseconds. */
  readonly cpuUs: readonly number[];
  /** How long after a logout's answer the last yes was given; one value for each logout. Missing: there is no logout. */
  readonly stillYesMs?: readonly number[];
}

/** On the ratio of the measured median to the reference's, or on the measured median itself. */
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
  const judged = bar?.kind.startsWith('ratio') ? ratio : value;
  if (judged === undefined) throw new RangeError(`${what} has nothing to be compared with`);
  return {
    measured: value,
    reference: referenceValue,
    ratio,
    ratioRange: ratios && [Math.min(...ratios), Math.max(...ratios)],
    met: bar === undefined || (bar.kind.endsWith('least') ? judged >= bar.value : judged <= bar.value),
  };
}

const SUFFIXES: Readonly<Record<Unit, string>> = {
  'per second': '/s',
  ms: ' ms',
  us: ' µs',
  bytes: ' bytes',
  MB: ' MB',
};

/** Three significant digits, but whole numbers in full. */
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
