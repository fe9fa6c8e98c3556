import { median } from './stats.ts';

export type Unit = 'per second' | 'ms' | 'us' | 'bytes';

/** One row of the table: what was measured, round by round, against what, and what was asked of it. */
export interface Measurement {
  readonly what: string;
  readonly unit: Unit;
  /** One value a round. */
  readonly measured: readonly number[];
  /** What it is compared with; the value of the same round. */
  readonly reference?: { readonly name: string; readonly values: readonly number[] };
  readonly bar: Bar;
  /** Set where ways to validate are compared side by side: these rows have a table of their own. */
  readonly peer?: PeerFigures;
  /** What a reader must know to judge the numbers. */
  readonly notes: readonly string[];
  /** Whatever else was seen, for the JSON file. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What else a way to validate is judged by. One value a round, but for the last. */
export interface PeerFigures {
  /** From asking to the answer, microseconds. */
  readonly p50Us: readonly number[];
  readonly p99Us: readonly number[];
  /** CPU time of the caller's process for each validation, microseconds. */
  readonly cpuUs: readonly number[];
  /** How long after a logout's answer the last yes was given; one value a logout. Missing: there is no logout. */
  readonly stillYesMs?: readonly number[];
}

/**
 * A bar on the ratio of the measured median to the reference's, or on the measured median itself. `none`: nothing
 * was asked, the numbers are there to be known.
 */
export type Bar =
  | { readonly kind: 'ratio at least'; readonly value: number }
  | { readonly kind: 'ratio at most'; readonly value: number }
  | { readonly kind: 'at least'; readonly value: number }
  | { readonly kind: 'at most'; readonly value: number }
  | { readonly kind: 'none' };

export interface Outcome {
  readonly measured: number;
  readonly reference: number | undefined;
  readonly ratio: number | undefined;
  /** The ratio of the worst and the best round, the lower first. */
  readonly ratioRange: readonly [number, number] | undefined;
  readonly met: boolean;
}

/** Medians over the rounds, their ratio, and whether the bar is met. */
export function outcomeOf(measurement: Measurement): Outcome {
  const measured = median(measurement.measured);
  const { reference, bar } = measurement;
  if (reference === undefined) {
    if (bar.kind === 'ratio at least' || bar.kind === 'ratio at most') {
      throw new RangeError(`${measurement.what} has nothing to be compared with`);
    }
    return {
      measured,
      reference,
      ratio: undefined,
      ratioRange: undefined,
      met: isMet(bar, measured, Number.NaN),
    };
  }
  const referred = median(reference.values);
  const ratio = measured / referred;
  const ratios = measurement.measured.map((value, round) => value / (reference.values[round] ?? Number.NaN));
  return {
    measured,
    reference: referred,
    ratio,
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
    met: isMet(bar, measured, ratio),
  };
}

function isMet(bar: Bar, measured: number, ratio: number): boolean {
  switch (bar.kind) {
    case 'ratio at least':
      return ratio >= bar.value;
    case 'ratio at most':
      return ratio <= bar.value;
    case 'at least':
      return measured >= bar.value;
    case 'at most':
      return measured <= bar.value;
    case 'none':
      return true;
  }
}
