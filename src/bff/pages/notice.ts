import type { NoticeCode, PageView } from '../views.ts';
import { type Html, html } from './html.ts';
import { type IconName, icon } from './icons.ts';
import { fill, sentences, TEXTS } from './texts/texts.ts';
import { duration } from './times.ts';

export type Tone = 'good' | 'care' | 'bad';

const ICONS: Readonly<Record<Tone, IconName>> = { good: 'check', care: 'warning', bad: 'info' };

const GOOD: ReadonlySet<NoticeCode> = new Set([
  'signed-out',
  'password-changed',
  'session-ended-by-you',
  'others-ended',
  'identity-linked',
  'identity-unlinked',
]);
/** The person did nothing wrong; they have to wait or choose. */
const CARE: ReadonlySet<NoticeCode> = new Set([
  'session-limit',
  'form-expired',
  'service-unavailable',
  'end-unconfirmed',
  'ticket-expired',
  'ticket-used',
  'provider-unavailable',
  'flow-unknown',
  'link-session-ended',
  'last-sign-in-method',
]);

/** The message above the content of a page, if there is one. */
export function notice(page: PageView): Html | undefined {
  if (page.notice === undefined) return undefined;
  const { code, retryAfterSeconds } = page.notice;
  const texts = TEXTS[page.language];
  const { title, text } = texts.notices[code];
  const retry =
    retryAfterSeconds !== undefined && fill(texts.common.retryIn, duration(retryAfterSeconds, page));
  return banner(toneOf(code), title, sentences(texts, text, retry));
}

/** A message in a box. Bad news interrupts a screen reader, other news waits. */
export function banner(tone: Tone, title: string, text: Html): Html {
  const role = tone === 'bad' ? 'alert' : 'status';
  return html`<div class="notice ${tone}" role="${role}">${icon(ICONS[tone], 22)}<div><strong>${title}</strong> ${text}</div></div>`;
}

function toneOf(code: NoticeCode): Tone {
  if (GOOD.has(code)) return 'good';
  return CARE.has(code) ? 'care' : 'bad';
}
