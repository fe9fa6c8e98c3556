import type { Language, PageView } from '../views.ts';
import { type Html, html } from './html.ts';
import { TEXTS } from './texts/texts.ts';

const UNITS = [
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'minute', seconds: 60 },
] as const;

/**
 * A date and a time, in UTC: the server does not know where the person is. `times.js` puts in the browser's own time.
 * Undefined: it is not known.
 */
export function moment(at: Date | undefined, { language }: PageView): Html {
  if (at === undefined) return html`${TEXTS[language].common.unknown}`;
  return html`<time datetime="${at.toISOString()}" data-moment>${momentText(at, language)}</time>`;
}

/** A date; otherwise as `moment`. */
export function day(at: Date | undefined, { language }: PageView): Html {
  if (at === undefined) return html`${TEXTS[language].common.unknown}`;
  const text = dateFormat(language, {}).format(at);
  return html`<time datetime="${at.toISOString()}" data-day>${text}</time>`;
}

/** How long ago or from now, for example `3 minutes ago`, with the exact time in its title. */
export function relative(at: Date | undefined, { language, now }: PageView): Html {
  if (at === undefined) return html`${TEXTS[language].common.unknown}`;
  const seconds = Math.round((at.getTime() - now.getTime()) / 1_000);
  const { unit, seconds: length } = unitOf(seconds);
  const format = new Intl.RelativeTimeFormat(TEXTS[language].common.languageTag, { numeric: 'auto' });
  const text = format.format(Math.round(seconds / length), unit);
  const exact = momentText(at, language);
  return html`<time datetime="${at.toISOString()}" title="${exact}" data-relative>${text}</time>`;
}

/** A length of time in words, rounded up, for example `2 minutes`. */
export function duration(seconds: number, { language }: PageView): string {
  const { unit, seconds: length } = unitOf(seconds);
  const format = new Intl.NumberFormat(TEXTS[language].common.languageTag, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
  });
  return format.format(Math.max(1, Math.ceil(seconds / length)));
}

/** What is left until an instant, as minutes and seconds: `1:05`. */
export function countdown(until: Date, now: Date): { readonly seconds: number; readonly text: string } {
  const seconds = Math.max(0, Math.ceil((until.getTime() - now.getTime()) / 1_000));
  return { seconds, text: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` };
}

function unitOf(seconds: number): { readonly unit: Intl.RelativeTimeFormatUnitSingular; seconds: number } {
  return UNITS.find((known) => Math.abs(seconds) >= known.seconds) ?? { unit: 'second', seconds: 1 };
}

function momentText(at: Date, language: Language): string {
  return `${dateFormat(language, { timeStyle: 'short', hourCycle: 'h23' }).format(at)} UTC`;
}

function dateFormat(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const { languageTag } = TEXTS[language].common;
  return new Intl.DateTimeFormat(languageTag, { dateStyle: 'medium', timeZone: 'UTC', ...options });
}
