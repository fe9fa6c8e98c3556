// Follows the code beside the sign-in form: shows the digits once it is scanned, and signs in once it is approved.
const PANELS = {
  PENDING: 'pending',
  SCANNED: 'scanned',
  APPROVED: 'approved',
  REDEEMED: 'approved',
  DENIED: 'denied',
};

const side = document.querySelector('[data-ticket]');
const redeem = document.querySelector('[data-form="redeem"]');
if (side && redeem) follow();

function follow() {
  // The answer to a try that failed, or the page was loaded again: the person goes on by hand.
  if (['APPROVED', 'REDEEMED'].includes(side.dataset.ticket)) {
    side.classList.add('by-hand');
    return;
  }
  const events = new EventSource('/sign-in/code/events');
  events.addEventListener('ticket', ({ data }) => {
    const ticket = JSON.parse(data);
    show(ticket);
    if (['PENDING', 'SCANNED'].includes(ticket.state)) return;
    events.close();
    if (ticket.state === 'APPROVED') redeem.requestSubmit();
  });
  // The browser opens a lost stream again by itself, unless it was refused. Then the person presses a button.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) side.classList.add('by-hand');
  });
}

function show({ state, digits, expiresAt }) {
  const name = PANELS[state] ?? 'over';
  const isNew = side.dataset.ticket !== state;
  side.dataset.ticket = state;
  for (const panel of side.querySelectorAll('[data-panel]')) panel.hidden = panel.dataset.panel !== name;
  const shown = side.querySelector('[data-digits]');
  for (const [index, span] of [...shown.children].entries()) span.textContent = digits[index] ?? '';
  const remaining = side.querySelector('[data-remaining]');
  remaining.dataset.remaining = expiresAt;
  remaining.hidden = state !== 'PENDING' && state !== 'SCANNED';
  if (isNew) announce(name, digits, shown.dataset.text);
}

/** Tells screen readers about a new state. */
function announce(name, digits, text) {
  const panel = side.querySelector(`[data-panel="${name}"]`);
  const heading = panel.querySelector('h2').textContent;
  const rest = name === 'scanned' ? text.replace('{}', digits) : panel.querySelector('p').textContent;
  side.querySelector('[data-say]').textContent = `${heading}. ${rest}`;
}
