import type { SignInView, TicketStateName } from '../views.ts';
import { form, hidden } from './form.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import { qrCode } from './qr-code.ts';
import { sessionChoice } from './session-choice.ts';
import { TEXTS } from './texts/texts.ts';
import { countdown } from './times.ts';

/** The panels of the code; `sign-in.js` shows the one for the state of the ticket. */
type Panel = 'pending' | 'scanned' | 'approved' | 'choose' | 'denied' | 'over';

const PANELS: Readonly<Record<TicketStateName, Panel>> = {
  PENDING: 'pending',
  SCANNED: 'scanned',
  APPROVED: 'approved',
  REDEEMED: 'approved',
  DENIED: 'denied',
  EXPIRED: 'over',
  UNSPECIFIED: 'over',
};

/** Beside the password: a code that a signed-in phone scans, and what comes after the scan. */
export function signInCode(view: SignInView): Html {
  const { page, ticket, sessionLimit } = view;
  const { signIn, notices } = TEXTS[page.language];
  const current = sessionLimit?.by === 'ticket' ? 'choose' : PANELS[ticket?.state ?? 'UNSPECIFIED'];
  const panel = (name: Panel, title: string, lead: string, content: Html): Html => html`
<div data-panel="${name}"${name !== current && html` hidden`}>
<h2>${title}</h2>
<p class="soft">${lead}</p>
${content}
</div>`;
  return html`<section class="pad phone-side"${ticket && html` data-ticket="${ticket.state}"`}>
<p class="unseen" role="status" data-say></p>
${panel('pending', signIn.phoneTitle, signIn.phoneLead, html`${ticket && image(view, ticket.url)}`)}
${panel('scanned', signIn.scannedTitle, signIn.scannedLead, digits(view))}
${panel('approved', signIn.approvedTitle, signIn.approvedLead, html`<div class="step-icon">${icon('check', 36)}</div>`)}
${panel('choose', signIn.limitTitle, notices['session-limit'].title, html``)}
${panel('denied', signIn.deniedTitle, signIn.deniedLead, html`<div class="step-icon bad">${icon('cross', 36)}</div>`)}
${panel('over', signIn.overTitle, ticket === undefined ? signIn.noCodeLead : signIn.overLead, html`<div class="step-icon care">${icon('clock', 36)}</div>`)}
${ticket && remaining(view, ticket.expiresAt, current)}
${redeem(view)}
${newCode(view)}
</section>`;
}

function image({ page }: SignInView, url: string): Html {
  const { imageLabel } = TEXTS[page.language].signIn;
  return html`<div class="code"><div class="image">${qrCode(url, imageLabel)}</div></div>`;
}

/** `sign-in.js` fills in the digits when the ticket is scanned. */
function digits({ page, ticket }: SignInView): Html {
  const [first, second] = ticket?.digits ?? '';
  const { signIn } = TEXTS[page.language];
  return html`<p class="digits" data-digits data-text="${signIn.digits}"><span>${first}</span><span>${second}</span></p>`;
}

function remaining({ page }: SignInView, expiresAt: Date, current: Panel): Html {
  const { seconds, text } = countdown(expiresAt, page.now);
  const isOver = current !== 'pending' && current !== 'scanned';
  const { validFor } = TEXTS[page.language].signIn;
  return html`<div class="code" data-remaining="${expiresAt.toISOString()}" data-now="${page.now.toISOString()}"${isOver && html` hidden`}>
<progress max="${seconds}" value="${seconds}" aria-label="${validFor}"></progress>
<p class="soft small">${validFor} <time data-countdown>${text}</time></p>
</div>`;
}

/** Signs in once the code is approved. `sign-in.js` sends it; without scripts, and at the session limit, the person does. */
function redeem({ page, next, ticket, sessionLimit }: SignInView): Html | undefined {
  if (ticket === undefined) return undefined;
  const { signIn } = TEXTS[page.language];
  const limit = sessionLimit?.by === 'ticket' ? sessionLimit : undefined;
  const button = html`<div class="actions"><button class="button wide" type="submit">${signIn.continue}</button></div>`;
  const content = limit
    ? html`${sessionChoice(page, limit)}${button}`
    : html`<div class="without-script"><p class="soft small">${signIn.refresh}</p>${button}</div>`;
  return form(
    page,
    '/sign-in/code/redeem',
    html`${hidden('next', next)}${content}`,
    limit ? 'choose' : 'redeem',
  );
}

function newCode({ page, next }: SignInView): Html {
  const { signIn } = TEXTS[page.language];
  return form(
    page,
    '/sign-in/code',
    html`${hidden('next', next)}<button class="button light" type="submit">${icon('renew', 18)}${signIn.newCode}</button>`,
  );
}
