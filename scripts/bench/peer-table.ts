import { amount } from './amount.ts';
import type { Measurement } from './measurement.ts';
import { median } from './stats.ts';

/** What is said of a way to validate that knows no logout. */
export const NO_LOGOUT = 'until the token expires, 15 min';

const METHOD =
  'Each is one caller in a process of its own, on the same Redis, with 32 validations in flight over 64 credentials that come as ' +
  'new strings; every answer must name the right user. In the end more credentials are logged out, one after the other, from ' +
  'another connection. Each is asked about from the answer on until the answer is no; the last column counts those that got a yes ' +
  'in that time, and has the longest time to the last yes.';

/** Ways to validate side by side, in lines of Markdown; none where none was measured. */
export function peerTable(measurements: readonly Measurement[]): readonly string[] {
  const rows = measurements.flatMap((measurement) => {
    const { peer } = measurement;
    if (peer === undefined) return [];
    const cells = [
      measurement.what,
      amount(median(measurement.measured), measurement.unit),
      amount(median(peer.p50Us), 'us'),
      amount(median(peer.p99Us), 'us'),
      amount(median(peer.cpuUs), 'us'),
      stillYes(peer.stillYesMs),
    ];
    return [`| ${cells.join(' | ')} |`];
  });
  if (rows.length === 0) return [];
  return [
    '| one caller validates with | validations | p50 | p99 | its CPU for each | says yes after a logout was answered (how often, longest) |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '![The same as a picture](docs/bench.svg)',
    '',
    METHOD,
    '',
  ];
}

function stillYes(afterMs: readonly number[] | undefined): string {
  if (afterMs === undefined) return NO_LOGOUT;
  const longest = Math.max(...afterMs);
  return longest === 0 ? howOften(afterMs) : `${howOften(afterMs)}, longest ${amount(longest, 'ms')}`;
}

/** After how many of the logouts a yes was given. A share says how much a zero is worth. */
export function howOften(afterMs: readonly number[]): string {
  const count = afterMs.filter((ms) => ms > 0).length;
  return `${count.toLocaleString('en-US')} of ${afterMs.length.toLocaleString('en-US')}`;
}
