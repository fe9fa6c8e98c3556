import { amount } from './amount.ts';
import type { Machine } from './machine.ts';
import { type Bar, type Measurement, outcomeOf, type Unit } from './measurement.ts';
import type { Options } from './options.ts';
import { peerTable } from './peer-table.ts';
import { QUIET_BELOW } from './quiet.ts';

export interface Report {
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly options: Pick<Options, 'rounds' | 'seconds' | 'sessions'>;
  /** The largest share of the machine that was in use before a scenario began; undefined: not known. */
  readonly othersBusy: number | undefined;
  readonly measurements: readonly Measurement[];
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

const HEAD = [
  '| what | measured | compared with | ratio (worst and best round) | bar | met |',
  '|---|---|---|---|---|---|',
];

/** The tables, the machine, and what a reader must know, in Markdown. */
export function markdown({ machine, options, measurements, measuredAt, othersBusy }: Report): string {
  const judged = measurements.filter(({ peer }) => peer === undefined);
  const rows = judged.map((measurement) => `| ${cells(measurement).join(' | ')} |`);
  const notes = measurements.flatMap(({ what, notes }) => notes.map((note) => `- ${what}: ${note}`));
  return [
    ...(rows.length === 0 ? [] : [...HEAD, ...rows, '']),
    ...peerTable(measurements),
    `Medians of ${options.rounds} alternating rounds of ${options.seconds} s, ${measuredAt.slice(0, 10)}. ${machine.cores} cores ` +
      `(${machine.cpu}), ${machine.system}, Node ${machine.node}, Redis ${machine.redis} without persistence, ` +
      `h2load ${machine.h2load}, all on loopback.`,
    '',
    `${quietness(othersBusy)}\n`,
    ...notes,
  ].join('\n');
}

function cells(measurement: Measurement): string[] {
  const { measured, reference, ratio, ratioRange, met } = outcomeOf(measurement);
  const { unit } = measurement;
  return [
    measurement.what,
    amount(measured, unit),
    reference === undefined ? '' : `${measurement.reference?.name} ${amount(reference, unit)}`,
    ratio === undefined
      ? ''
      : `${ratio.toFixed(2)} (${ratioRange?.map((end) => end.toFixed(2)).join(' to ')})`,
    barText(measurement.bar, unit),
    measurement.bar.kind === 'none' ? '' : met ? 'yes' : '**missed**',
  ];
}

function quietness(othersBusy: number | undefined): string {
  if (othersBusy === undefined) return 'What else ran on the machine is not known.';
  const share = `${(othersBusy * 100).toFixed(0)} %`;
  return othersBusy < QUIET_BELOW
    ? `Before each scenario at most ${share} of the machine was in use.`
    : `**Disturbed**: ${share} of the machine was in use before a scenario began. These numbers prove nothing.`;
}

/** Why a report must not be published; undefined: it may be. */
export function unfitToPublish({ othersBusy }: Pick<Report, 'othersBusy'>): string | undefined {
  if (othersBusy !== undefined && othersBusy < QUIET_BELOW) return undefined;
  return `README.md was not written: ${quietness(othersBusy)}`;
}

function barText(bar: Bar, unit: Unit): string {
  switch (bar.kind) {
    case 'ratio at least':
      return `>= ${bar.value.toFixed(2)}`;
    case 'ratio at most':
      return `<= ${bar.value.toFixed(2)}`;
    case 'at least':
      return `>= ${amount(bar.value, unit)}`;
    case 'at most':
      return `<= ${amount(bar.value, unit)}`;
    case 'none':
      return '';
  }
}

/** The document with `table` between the marks. Throws if it does not hold both marks once, in order. */
export function withTable(document: string, table: string): string {
  const parts = document.split(BEGIN);
  const rest = parts[1]?.split(END);
  if (parts.length !== 2 || rest?.length !== 2) {
    throw new Error(`the document needs ${BEGIN} and, after it, ${END}, once each`);
  }
  return `${parts[0]}${BEGIN}\n${table}\n${END}${rest[1]}`;
}
