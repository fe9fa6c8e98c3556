import type { PageView, SessionLimitView } from '../views.ts';
import { type Html, html } from './html.ts';
import { deviceName } from './session.ts';
import { TEXTS } from './texts/texts.ts';
import { relative } from './times.ts';

/** At the session limit: which session ends so that another can begin. */
export function sessionChoice(page: PageView, { sessions }: SessionLimitView): Html {
  const { signIn } = TEXTS[page.language];
  const choices = sessions.map(
    (
      session,
    ) => html`<label class="choice"><input type="radio" name="end_session_id" value="${session.sessionId}" required>
<span><strong>${deviceName(session, page)}</strong>
<span class="soft small">${signIn.lastUsed} ${relative(session.lastSeenAt, page)}</span></span></label>`,
  );
  return html`<fieldset><legend>${signIn.limitLegend}</legend><div class="stack">${choices}</div></fieldset>`;
}
