import { type Machine, QUIET_BELOW } from './machine.ts';
import { amount, type Bar, type Measurement, outcomeOf, thousands, type Unit } from './measurement.ts';
import type { Scale } from './scenarios/rounds.ts';
import { median } from './stats.ts';

export interface Report {
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly options: Scale;
  /** The share of busy cores before the run. */
  readonly busyBefore: number;
  readonly measurements: readonly Measurement[];
}

/** The tables, the machine and the notes, in Markdown. */
export function markdown({ machine, options, measurements, measuredAt, busyBefore }: Report): string {
  const notes = measurements.flatMap(({ what, notes }) => notes.map((note) => `- ${what}: ${note}`));
  return [
    ...mainTable(measurements),
    ...peerTable(measurements),
    `Medians of ${options.rounds} alternating rounds of ${options.seconds} s, ${measuredAt.slice(0, 10)}. ${machine.cores} cores ` +
      `(${machine.cpu}), ${machine.system}, Node ${machine.node}, Redis ${machine.redis} without persistence, ` +
      `h2load ${machine.h2load}, all on loopback.`,
    '',
    `${loadBefore(busyBefore)}\n`,
    ...notes,
  ].join('\n');
}

function loadBefore(busyBefore: number): string {
  const text = `${(busyBefore * 100).toFixed(0)} % of the machine was in use before the run.`;
  return busyBefore < QUIET_BELOW ? text : `**Disturbed**: ${text} These numbers prove nothing.`;
}

function mainTable(measurements: readonly Measurement[]): readonly string[] {
  return table(
    ['what', 'measured', 'compared with', 'ratio (worst and best round)', 'bar', 'met'],
    measurements.filter(({ peer }) => peer === undefined).map(mainCells),
  );
}

function mainCells(measurement: Measurement): readonly string[] {
  const { what, unit, bar } = measurement;
  const { measured, reference, ratio, ratioRange, met } = outcomeOf(measurement);
  return [
    what,
    amount(measured, unit),
    reference === undefined ? '' : `${measurement.reference?.name} ${amount(reference, unit)}`,
    ratio === undefined
      ? ''
      : `${ratio.toFixed(2)} (${ratioRange?.map((end) => end.toFixed(2)).join(' to ')})`,
    ...(bar === undefined ? ['', ''] : [barText(bar, unit), met ? 'yes' : '**missed**']),
  ];
}

function barText({ kind, value }: Bar, unit: Unit): string {
  const sign = kind.endsWith('least') ? '>=' : '<=';
  return `${sign} ${kind.startsWith('ratio') ? value.toFixed(2) : amount(value, unit)}`;
}

/** Shown for a validation mode without logout. */
export const NO_LOGOUT = 'until the token expires, 15 min';

const PEER_METHOD =
  'Each row is one caller in a separate process, on the same Redis, with 32 validations in flight. They use 64 credentials in ' +
  'new strings, and every answer must have the right user. Then more credentials are logged out, one after the other, from ' +
  'another connection. Each is validated repeatedly, from the answer of its logout until it is refused. The last column counts ' +
  'the credentials that were accepted in that time, and shows the longest time to the last acceptance.';

/** The comparison of validation modes. No lines if none was measured. */
function peerTable(measurements: readonly Measurement[]): readonly string[] {
  const rows = measurements.flatMap(({ what, unit, measured, peer }) => {
    if (peer === undefined) return [];
    const latencies = [peer.p50Us, peer.p99Us, peer.cpuUs].map((values) => amount(median(values), 'us'));
    return [[what, amount(median(measured), unit), ...latencies, acceptedText(peer.acceptedForMs)]];
  });
  const lastColumn = 'accepted after the answer of a logout (how often, longest)';
  const lines = table(
    ['one caller validates with', 'validations', 'p50', 'p99', 'its CPU for each', lastColumn],
    rows,
  );
  return lines.length === 0 ? [] : [...lines, '![The same as a picture](bench.svg)', '', PEER_METHOD, ''];
}

function acceptedText(afterMs: readonly number[] | undefined): string {
  if (afterMs === undefined) return NO_LOGOUT;
  const longest = Math.max(...afterMs);
  return longest === 0
    ? acceptedCount(afterMs)
    : `${acceptedCount(afterMs)}, longest ${amount(longest, 'ms')}`;
}

/** After how many of the logouts the token was still accepted: "0 of 1,000" says more than "0". */
export function acceptedCount(afterMs: readonly number[]): string {
  const count = afterMs.filter((ms) => ms > 0).length;
  return `${thousands(count)} of ${thousands(afterMs.length)}`;
}

/** Lines of Markdown, with an empty one at the end. None without rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line), ''];
}
