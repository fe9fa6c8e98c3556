import type { MessageCode, MessageView } from '../views.ts';
import { html } from './html.ts';
import { icon } from './icons.ts';
import { layout } from './layout.ts';
import { localPath } from './local-path.ts';
import { fill, sentences, TEXTS } from './texts/texts.ts';
import { duration } from './times.ts';

/** Loading the page again may help. */
const TRANSIENT: ReadonlySet<MessageCode> = new Set(['too-many-requests', 'service-unavailable', 'internal']);

/** Says what was wrong and what to do. */
export function messagePage({ page, code, status, retryAfterSeconds, requestId }: MessageView): string {
  const texts = TEXTS[page.language];
  const { title, text } = texts.messages[code];
  const retry =
    retryAfterSeconds !== undefined && fill(texts.common.retryIn, duration(retryAfterSeconds, page));
  const isTransient = TRANSIENT.has(code);
  const content = html`<div class="card pad">
<div class="step-icon left ${isTransient ? 'care' : 'bad'}">${icon(isTransient ? 'clock' : 'warning', 34)}</div>
<h1>${title}</h1>
<p class="lead">${sentences(texts, text, retry)}</p>
<div class="actions">
${isTransient && html`<a class="button main" href="${localPath(page.path)}">${texts.message.retry}</a>`}
<a class="button" href="/">${texts.message.home}</a>
</div>
<p class="soft small section">${fill(texts.message.status, status)}${
    requestId !== '' && html` · ${texts.message.requestId} <code>${requestId}</code>`
  }</p>
</div>`;
  return layout({ page, title, content, width: 'narrow' });
}
