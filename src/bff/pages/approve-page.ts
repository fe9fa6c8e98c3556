import type { ApproveStep, ApproveView, AskerView, PageView } from '../views.ts';
import { form } from './form.ts';
import { type Html, html } from './html.ts';
import { deviceIcon, type IconName, icon } from './icons.ts';
import { layout } from './layout.ts';
import { banner } from './notice.ts';
import { deviceName } from './session.ts';
import { TEXTS } from './texts/texts.ts';
import { countdown, relative } from './times.ts';

type Decision = Extract<ApproveStep, { kind: 'decide' }>;

/** `GET /qr/<ticket id>`, on the phone: what is asked for, and the decision. */
export function approvePage(view: ApproveView): string {
  const { page, step } = view;
  const { title } = TEXTS[page.language].approve;
  return layout({
    page,
    title,
    content: html`<div class="card pad">${contentOf(step, view)}</div>`,
    hasFields: step.kind === 'decide',
    width: 'narrow',
  });
}

function contentOf(step: ApproveStep, view: ApproveView): Html {
  const { approve } = TEXTS[view.page.language];
  switch (step.kind) {
    case 'ask':
      return ask(view);
    case 'decide':
      return decide(view, step);
    case 'approved':
      return outcome(view, 'check', '', approve.approvedTitle, approve.approvedLead);
    case 'denied':
      return outcome(view, 'cross', 'bad', approve.deniedTitle, approve.deniedLead);
    case 'over':
      return outcome(view, 'clock', 'care', approve.overTitle, approve.overLead);
  }
}

function ask({ page, ticketId }: ApproveView): Html {
  const { approve } = TEXTS[page.language];
  return html`<h1>${approve.askTitle}</h1>
<p class="lead">${approve.askLead}</p>
${warning(page, 'askWarning')}
${form(
  page,
  actionOf(ticketId, 'scan'),
  html`<button class="button main wide" type="submit">${approve.askButton}</button>`,
)}
<p class="actions"><a class="button plain wide" href="/devices">${approve.leave}</a></p>`;
}

function decide({ page, ticketId }: ApproveView, { asker, digits }: Decision): Html {
  const { approve } = TEXTS[page.language];
  const isMissing = page.notice?.code === 'digits-missing';
  const approval = html`<div class="field">
<label for="digits">${approve.digits}</label>
<input id="digits" class="two-digits" name="digits" type="text" inputmode="numeric" pattern="[0-9]{2}" minlength="2" maxlength="2" autocomplete="off" value="${digits}" aria-describedby="digits-note"${
    isMissing && html` aria-invalid="true"`
  } required>
<p class="hint" id="digits-note">${approve.digitsHint}</p>
</div>
<div class="actions"><button class="button main wide" type="submit">${approve.approve}</button></div>`;
  return html`<h1>${approve.decideTitle}</h1>
<p class="lead">${approve.decideLead}</p>
${facts(page, asker)}
${warning(page, 'warning')}
${form(page, actionOf(ticketId, 'approve'), approval)}
${form(
  page,
  actionOf(ticketId, 'deny'),
  html`<div class="actions deny"><button class="button end wide" type="submit">${approve.deny}</button></div>`,
)}`;
}

function facts(page: PageView, asker: AskerView): Html {
  const { approve, common } = TEXTS[page.language];
  const network = asker.sharesNetwork
    ? html`<span class="tag good">${icon('network', 15)}${approve.sameNetwork}</span>`
    : html`<span class="tag care">${icon('network', 15)}${approve.otherNetwork}</span>`;
  const platform = asker.platform !== '' && asker.deviceName !== '' && `${asker.platform}, `;
  return html`<div class="asker">
<span class="face">${deviceIcon(asker.platform || asker.deviceName, 28)}</span>
<p><strong>${deviceName(asker, page)}</strong><br><span class="soft small">${platform}${approve.deviceHint}</span></p>
</div>
<dl class="facts">
${asker.username !== '' && html`<div><dt>${approve.account}</dt><dd>${asker.username}</dd></div>`}
<div><dt>${approve.place}</dt><dd>${asker.ipAddress || common.unknown} ${network}</dd></div>
${asker.clientId !== '' && html`<div><dt>${approve.application}</dt><dd>${asker.clientId}</dd></div>`}
<div><dt>${approve.age}</dt><dd>${relative(asker.createdAt, page)}</dd></div>
<div><dt>${approve.expires}</dt><dd>${remaining(asker.expiresAt, page.now)}</dd></div>
</dl>`;
}

function remaining(until: Date, now: Date): Html {
  const { text } = countdown(until, now);
  return html`<time data-remaining="${until.toISOString()}" data-now="${now.toISOString()}"><span data-countdown>${text}</span></time>`;
}

/** RFC 10027: attackers send their own code to a victim. */
function warning({ language }: PageView, text: 'askWarning' | 'warning'): Html {
  const { approve } = TEXTS[language];
  return banner('care', approve.warningTitle, html`${approve[text]}`);
}

function outcome({ page }: ApproveView, name: IconName, tone: string, title: string, lead: string): Html {
  return html`<div class="step-icon left ${tone}">${icon(name, 36)}</div>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<div class="actions"><a class="button" href="/devices">${TEXTS[page.language].approve.leave}</a></div>`;
}

function actionOf(ticketId: string, action: 'scan' | 'approve' | 'deny'): string {
  return `/qr/${encodeURIComponent(ticketId)}/${action}`;
}
