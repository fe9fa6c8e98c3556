import type { SessionEndedView } from '../views.ts';
import { html } from './html.ts';
import { icon } from './icons.ts';
import { endText, layout } from './layout.ts';
import { TEXTS, textOfName } from './texts/texts.ts';

/** Why the session ended while a form was filled in, and what was typed. */
export function sessionEndedPage({ page, ended, next, kept }: SessionEndedView): string {
  const texts = TEXTS[page.language];
  const rows = kept.map(
    ({ name, value }) =>
      html`<div><dt>${textOfName(texts.ended.names, name) ?? name}</dt><dd>${value}</dd></div>`,
  );
  const content = html`<div class="card pad">
<div class="step-icon left care">${icon('leave', 34)}</div>
<h1>${texts.ended.title}</h1>
<p class="lead">${endText(ended.endReason, texts)}</p>
${
  kept.length > 0 &&
  html`<section class="section"><h2>${texts.ended.keptTitle}</h2>
<p class="soft small">${texts.ended.keptLead}</p><dl class="facts">${rows}</dl></section>`
}
<div class="actions"><a class="button main" href="/sign-in?next=${encodeURIComponent(next)}">${texts.ended.signIn}</a></div>
</div>`;
  return layout({ page, title: texts.ended.title, content, width: 'narrow' });
}
