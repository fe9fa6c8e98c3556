// The ways to validate side by side as a picture: docs/bench.svg, made from the published numbers and linked in README.md.
import { amount } from './amount.ts';
import type { Measurement } from './measurement.ts';
import { howOften, NO_LOGOUT } from './peer-table.ts';
import { median } from './stats.ts';

interface Bar {
  readonly label: string;
  /** Undefined: there is nothing to draw. */
  readonly value: number | undefined;
  readonly text: string;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** Ends of the logarithmic scale. */
  readonly least: number;
  readonly most: number;
}

const WIDTH = 820;
const LABELS_END = 276;
/** Room for the text behind the longest bar. */
const BARS_END = WIDTH - 230;
const ROW = 24;
const BAR_HEIGHT = 14;
const TITLE = 34;
const MARGIN = 8;
/** How long an access token lives by default. */
const TOKEN_LIFE_MS = 900_000;

const STYLE =
  'text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.other{fill:#8c959f}.ours{fill:#0969da}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.other{fill:#6e7681}.ours{fill:#4493f8}}';

/** An SVG for light and dark pages. Undefined: nothing was compared. */
export function draw(measurements: readonly Measurement[]): string | undefined {
  const peers = measurements.filter(({ peer }) => peer !== undefined);
  if (peers.length === 0) return undefined;
  const rates = peers.map(rateBar);
  const most = Math.max(...rates.map(({ value = 0 }) => value));
  const panels = [
    { title: 'Validations a second, one caller (logarithmic)', bars: rates, least: 100, most },
    {
      title: 'Longest yes after a logout was answered (logarithmic)',
      bars: peers.map(logoutBar),
      least: 0.001,
      most: TOKEN_LIFE_MS,
    },
  ];
  let y = MARGIN;
  const lines: string[] = [];
  for (const panel of panels) {
    lines.push(...panelLines(panel, y));
    y += TITLE + panel.bars.length * ROW;
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>Ways to validate, side by side</title>',
    `<style>${STYLE}</style>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function rateBar({ what, measured, unit }: Measurement): Bar {
  const value = median(measured);
  return { label: what, value, text: amount(value, unit) };
}

/** By the longest of all logouts: a median would hide the one that counts. */
function logoutBar({ what, peer }: Measurement): Bar {
  if (peer?.stillYesMs === undefined) return { label: what, value: TOKEN_LIFE_MS, text: NO_LOGOUT };
  const longest = Math.max(...peer.stillYesMs);
  if (longest === 0) return { label: what, value: undefined, text: howOften(peer.stillYesMs) };
  return { label: what, value: longest, text: amount(longest, 'ms') };
}

function panelLines({ title, bars, least, most }: Panel, top: number): string[] {
  const lines = [`<text class="title" x="${MARGIN}" y="${top + 20}">${escaped(title)}</text>`];
  for (const [index, { label, value, text }] of bars.entries()) {
    const y = top + TITLE + index * ROW;
    const width = value === undefined ? 0 : lengthOf(value, least, most);
    const kind = label.startsWith('latchkey') ? 'ours' : 'other';
    lines.push(
      `<text x="${LABELS_END - 8}" y="${y + BAR_HEIGHT - 2}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${kind}" x="${LABELS_END}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
      `<text x="${LABELS_END + width + 6}" y="${y + BAR_HEIGHT - 2}">${escaped(text)}</text>`,
    );
  }
  return lines;
}

/** In whole pixels; what is less than the scale's beginning is one pixel long. */
function lengthOf(value: number, least: number, most: number): number {
  const share = Math.log(value / least) / Math.log(most / least);
  return Math.max(1, Math.round(Math.min(1, share) * (BARS_END - LABELS_END)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
