import type { DevicesView, PageView, SessionView } from '../views.ts';
import { form, hidden } from './form.ts';
import { type Html, html } from './html.ts';
import { deviceIcon } from './icons.ts';
import { layout } from './layout.ts';
import { localPath } from './local-path.ts';
import { banner } from './notice.ts';
import { account, deviceName, methodsText, tags } from './session.ts';
import { fill, TEXTS } from './texts/texts.ts';
import { day, relative } from './times.ts';

/** `GET /devices`: where the person is signed in. `session.js` changes the list when a session ends. */
export function devicesPage({ page, username, sessions, endedSessions, nextPagePath }: DevicesView): string {
  const { devices } = TEXTS[page.language];
  const hasOthers = sessions.some(({ isCurrent }) => !isCurrent);
  const content = html`
<div class="head">
<div><h1>${devices.title}</h1><p class="lead">${account(page, username)}${devices.lead}</p></div>
${hasOthers && endOthers(page)}
</div>
<div data-interrupted hidden>${banner('care', devices.interrupted, html``)}</div>
<ul class="devices" data-devices data-others-toast="${devices.othersToast}">${sessions.map((session) => living(page, session))}</ul>
${!hasOthers && html`<p class="lead">${devices.onlyThis}</p>`}
${endedSessions.length > 0 && endedList(page, endedSessions)}
${
  nextPagePath !== undefined &&
  html`<p class="actions"><a class="button" href="${localPath(nextPagePath)}">${devices.more}</a></p>`
}`;
  return layout({ page, title: devices.title, content, entry: 'devices' });
}

function endOthers(page: PageView): Html {
  const { devices } = TEXTS[page.language];
  const yes = html`<button class="button end wide" type="submit">${devices.endOthersYes}</button>`;
  return html`<details class="confirm" data-end-others>
<summary class="button end">${devices.endOthers}</summary>
<div><strong>${devices.endOthersQuestion}</strong><p class="soft small">${devices.endOthersText}</p>
<div class="actions">${form(page, '/devices/end-others', yes)}</div></div>
</details>`;
}

function living(page: PageView, session: SessionView): Html {
  const { devices } = TEXTS[page.language];
  const { sessionId, isCurrent } = session;
  const name = deviceName(session, page);
  const end = html`${hidden('session_id', sessionId)}<button class="button end" type="submit" aria-label="${fill(devices.endOf, name)}">${devices.end}</button>`;
  return html`<li class="card device${isCurrent && ' here'}" data-session="${sessionId}"${isCurrent && html` data-current`} data-toast="${fill(devices.toast, name)}">
<span class="face">${deviceIcon(session.platform || session.deviceName)}</span>
<div>
<div class="title"><h2>${name}</h2>${tags(session, page)}</div>
<p class="soft small">${[session.platform, session.clientId].filter((text) => text !== '').join(' · ')}</p>
</div>
<div class="does">
<a class="button light" href="/sessions/${encodeURIComponent(sessionId)}" aria-label="${fill(devices.historyOf, name)}">${devices.history}</a>
${!isCurrent && form(page, '/devices/end', end)}
</div>
${facts(page, session)}
</li>`;
}

function facts(page: PageView, session: SessionView): Html {
  const { devices } = TEXTS[page.language];
  const from = (address: string): Html | false => address !== '' && html`<span class="sub">${address}</span>`;
  const { idleDeadline, absoluteDeadline } = session;
  return html`<dl class="grid">
<div><dt>${devices.lastUsed}</dt><dd>${relative(session.lastSeenAt, page)}${from(session.latestIpAddress)}</dd></div>
<div><dt>${devices.signedIn}</dt><dd>${relative(session.createdAt, page)}${from(session.ipAddress)}</dd></div>
<div><dt>${devices.opened}</dt><dd>${methodsText(session, page)}</dd></div>
<div><dt>${devices.ends}</dt><dd>${fill(devices.endsIfUnused, relative(idleDeadline, page))}
<span class="sub">${fill(devices.endsLatest, day(absoluteDeadline, page))}</span></dd></div>
</dl>`;
}

function endedList(page: PageView, sessions: readonly SessionView[]): Html {
  const texts = TEXTS[page.language];
  const row = (session: SessionView): Html => {
    const name = deviceName(session, page);
    const { ended } = session;
    return html`<li class="row">
<span class="face">${deviceIcon(session.platform || session.deviceName, 20)}</span>
<div class="about"><h3>${name}</h3><p class="soft small">${ended && html`${fill(texts.devices.endedAt, relative(ended.endedAt, page))} · ${texts.ends[ended.endReason].why}`}</p></div>
<a class="button light" href="/sessions/${encodeURIComponent(session.sessionId)}" aria-label="${fill(texts.devices.historyOf, name)}">${texts.devices.history}</a>
</li>`;
  };
  return html`<section class="section"><h2>${texts.devices.ended}</h2><ul class="card">${sessions.map(row)}</ul></section>`;
}
