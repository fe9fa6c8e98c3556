import { type Html, html } from './html.ts';

/** Drawn on 24 by 24 units, in the colour of the text. */
const SHAPES = {
  computer: html`<rect x="4" y="5" width="16" height="11" rx="2"/><path d="M2 19.5h20"/>`,
  phone: html`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
  tablet: html`<rect x="4.5" y="3" width="15" height="18" rx="2.5"/><path d="M11 18h2"/>`,
  device: html`<rect x="3" y="4" width="18" height="13" rx="2"/><path d="M8 20.5h8M12 17v3.5"/>`,
  check: html`<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
  cross: html`<path d="m7 7 10 10M17 7 7 17"/>`,
  warning: html`<path d="M12 4 2.8 19.5h18.4L12 4Z"/><path d="M12 10v4.2M12 17h.01"/>`,
  info: html`<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 8h.01"/>`,
  clock: html`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.2 2"/>`,
  enter: html`<path d="M10 4h7a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-7"/><path d="M4 12h10M10.5 8.5 14 12l-3.5 3.5"/>`,
  leave: html`<path d="M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7"/><path d="M10 12h10M16.5 8.5 20 12l-3.5 3.5"/>`,
  renew: html`<path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4"/><path d="M17.5 2.8v4h-4"/>`,
  move: html`<path d="M12 21s6.5-5.6 6.5-11a6.5 6.5 0 0 0-13 0C5.5 15.4 12 21 12 21Z"/><circle cx="12" cy="10" r="2.3"/>`,
  shield: html`<path d="M12 3 5 5.600v5.600c0 4.4 2.9 8 7 9.8 4.1-1.8 7-5.4 7-9.800V5.600L12 3Z"/><path d="M12 8.500v4M12 15.500h.01"/>`,
  network: html`<path d="M4 9.500a12 12 0 0 1 16 0M7 13a7.5 7.5 0 0 1 10 0M10 16.500a3 3 0 0 1 4 0M12 19.500h.01"/>`,
  link: html`<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1 1"/><path d="M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.700l1-1"/>`,
  language: html`<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5.5 5 12.5 0 18M12 3c-5 5.5-5 12.5 0 18"/>`,
} as const;

export type IconName = keyof typeof SHAPES;

/** An icon beside a text that says the same; screen readers pass it over. `size` is in CSS pixels. */
export function icon(name: IconName, size = 20): Html {
  return html`<svg class="icon" width="${size}" height="${size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${SHAPES[name]}</svg>`;
}

/** What a device with this platform looks like. */
export function deviceIcon(platform: string, size = 24): Html {
  if (/ipad|tablet/i.test(platform)) return icon('tablet', size);
  if (/android|iphone|ios|phone/i.test(platform)) return icon('phone', size);
  if (/windows|mac|linux|chrome ?os/i.test(platform)) return icon('computer', size);
  return icon('device', size);
}
