import { encode } from 'uqr';
import { type Html, html } from './html.ts';

/** Width of the white border, in modules. Without it, cameras do not find the code. */
const BORDER = 2;

/** A QR code as an image, black on white in every colour scheme. `label` is its text for screen readers. */
export function qrCode(text: string, label: string): Html {
  const { data, size } = encode(text, { border: BORDER, ecc: 'M' });
  return html`<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path fill="#000" d="${data.flatMap(runs).join('')}"/></svg>`;
}

/** One rectangle for each run of black modules in a row. */
function runs(row: readonly boolean[], y: number): readonly string[] {
  const found: string[] = [];
  for (let start = row.indexOf(true); start !== -1; ) {
    const white = row.indexOf(false, start);
    const end = white === -1 ? row.length : white;
    found.push(`M${start} ${y}h${end - start}v1H${start}z`);
    start = row.indexOf(true, end);
  }
  return found;
}
