// Follows the sessions of the person: says why this one ended, and takes others that ended out of the list.
const TOAST_MS = 8_000;
const REOPEN_MS = 5_000;

follow();
// After `Back`, the browser may show a page from memory whose session has ended.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

function follow() {
  const events = new EventSource('/api/events');
  events.addEventListener('ended', ({ data }) => {
    events.close();
    showEnd(JSON.parse(data).endReason);
  });
  events.addEventListener('session-ended', ({ data }) => removeSession(JSON.parse(data).sessionId));
  events.addEventListener('interrupted', () => setInterrupted(true));
  events.addEventListener('alive', () => setInterrupted(false));
  // The browser opens a lost stream again by itself, but not one that was refused.
  events.addEventListener('error', () => events.readyState === EventSource.CLOSED && followAgain());
}

/** The stream was refused: the session has ended, or the server is unavailable. */
async function followAgain() {
  setInterrupted(true);
  const answer = await fetch('/api/session').catch(() => undefined);
  const session = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
  if (session?.isSignedIn === false) showEnd(session.ended?.endReason);
  else setTimeout(follow, REOPEN_MS);
}

/** Says why the session ended and disables the forms. What was typed stays. */
function showEnd(reason) {
  const template = document.querySelector('template[data-live-end]');
  const notice = template.content.firstElementChild.cloneNode(true);
  const why =
    [...notice.querySelectorAll('[data-reason]')].find((span) => span.dataset.reason === reason) ??
    notice.querySelector('[data-reason="UNSPECIFIED"]');
  why.hidden = false;
  notice.classList.add('live-end');
  template.after(notice);
  for (const button of document.querySelectorAll('form[method="post"] [type="submit"]'))
    button.disabled = true;
  document.querySelector('[data-end-others]')?.remove();
}

/** Takes a session out of the list. @param sessionId empty: every session but this one. */
function removeSession(sessionId) {
  const list = document.querySelector('[data-devices]');
  if (!list) return;
  const gone = [...list.children].filter((item) =>
    sessionId === '' ? item.dataset.current === undefined : item.dataset.session === sessionId,
  );
  if (gone.length === 0) return;
  for (const item of gone) item.remove();
  toast(sessionId === '' ? list.dataset.othersToast : gone[0].dataset.toast);
}

function toast(text) {
  const note = document.createElement('p');
  note.className = 'notice good';
  note.textContent = text;
  document.querySelector('[data-toasts]').append(note);
  setTimeout(() => note.remove(), TOAST_MS);
}

function setInterrupted(isInterrupted) {
  const notice = document.querySelector('[data-interrupted]');
  if (notice) notice.hidden = !isInterrupted;
}
