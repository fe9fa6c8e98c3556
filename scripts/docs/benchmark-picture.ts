// Draws the comparison of validation modes as docs/bench.svg, from the published numbers.
import { amount, type Measurement } from '../bench/measurement.ts';
import { acceptedCount, NO_LOGOUT } from '../bench/report.ts';
import { median } from '../bench/stats.ts';

interface Bar {
  readonly label: string;
  /** 0: there is nothing to draw. */
  readonly value: number;
  readonly text: string;
}

const WIDTH = 820;
const LABELS_END = 276;
/** Leaves space for the text behind the longest bar. */
const BARS_END = WIDTH - 230;
const ROW = 24;
const BAR_HEIGHT = 14;
const TITLE = 34;
const MARGIN = 8;
/** The default lifetime of an access token. */
const TOKEN_LIFE_MS = 900_000;

const STYLE =
  'text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.other{fill:#8c959f}.ours{fill:#0969da}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.other{fill:#6e7681}.ours{fill:#4493f8}}';

/** An SVG for light and dark mode. Undefined: nothing was compared. */
export function draw(measurements: readonly Measurement[]): string | undefined {
  const peers = measurements.filter(({ peer }) => peer !== undefined);
  if (peers.length === 0) return undefined;
  const rates = peers.map(rateBar);
  const fastest = Math.max(...rates.map(({ value }) => value));
  const panel = TITLE + peers.length * ROW;
  const height = 2 * (MARGIN + panel);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>Validation modes compared</title>',
    `<style>${STYLE}</style>`,
    ...panelLines('Validations a second, one caller (logarithmic)', rates, [100, fastest], MARGIN),
    ...panelLines(
      'Longest acceptance after the answer of a logout (logarithmic)',
      peers.map(logoutBar),
      [0.001, TOKEN_LIFE_MS],
      MARGIN + panel,
    ),
    '</svg>',
    '',
  ].join('\n');
}

function rateBar({ what, measured, unit }: Measurement): Bar {
  const value = median(measured);
  return { label: what, value, text: amount(value, unit) };
}

/** By the longest of all logouts: a median would hide it. */
function logoutBar({ what, peer }: Measurement): Bar {
  if (peer?.acceptedForMs === undefined) return { label: what, value: TOKEN_LIFE_MS, text: NO_LOGOUT };
  const value = Math.max(...peer.acceptedForMs);
  return { label: what, value, text: value === 0 ? acceptedCount(peer.acceptedForMs) : amount(value, 'ms') };
}

type Ends = readonly [least: number, most: number];

function panelLines(title: string, bars: readonly Bar[], scale: Ends, top: number): readonly string[] {
  const rows = bars.flatMap(({ label, value, text }, index) => {
    const y = top + TITLE + index * ROW;
    const width = lengthOf(value, scale);
    const kind = label.startsWith('latchkey') ? 'ours' : 'other';
    return [
      `<text x="${LABELS_END - 8}" y="${y + BAR_HEIGHT - 2}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${kind}" x="${LABELS_END}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
      `<text x="${LABELS_END + width + 6}" y="${y + BAR_HEIGHT - 2}">${escaped(text)}</text>`,
    ];
  });
  return [`<text class="title" x="${MARGIN}" y="${top + 20}">${escaped(title)}</text>`, ...rows];
}

/** In whole pixels. Values below the scale get one pixel. */
function lengthOf(value: number, [least, most]: Ends): number {
  if (value === 0) return 0;
  const share = Math.log(value / least) / Math.log(most / least);
  return Math.max(1, Math.round(Math.min(1, share) * (BARS_END - LABELS_END)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
