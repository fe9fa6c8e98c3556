import type { SessionHistoryView, TimelineEntryView, TimelineKindName } from '../views.ts';
import { type Html, html } from './html.ts';
import { type IconName, icon } from './icons.ts';
import { layout } from './layout.ts';
import { deviceName, tags } from './session.ts';
import { fill, TEXTS, textOfName } from './texts/texts.ts';
import { moment, relative } from './times.ts';

const LOOKS: Readonly<
  Record<TimelineKindName, readonly [icon: IconName, tone: '' | 'good' | 'care' | 'bad']>
> = {
  UNSPECIFIED: ['info', ''],
  OPENED: ['enter', 'good'],
  REFRESHED: ['clock', ''],
  REPLAYED: ['renew', ''],
  MOVED: ['move', 'care'],
  REFUSED: ['warning', 'care'],
  ENDED: ['leave', 'bad'],
  ANOMALY: ['shield', 'care'],
  PASSWORD_CHANGE_FAILED: ['warning', 'care'],
};

/** `GET /sessions/<session id>`: what happened to a session, oldest first. */
export function sessionHistoryPage(view: SessionHistoryView): string {
  const { page, session, entries, omitsEntries } = view;
  const { history } = TEXTS[page.language];
  const [opening, ...later] = entries;
  const content = html`
<a class="back" href="/devices">← ${history.back}</a>
<div class="head"><div>
<h1>${history.title}</h1>
<div class="title"><h2>${deviceName(session, page)}</h2>${state(view)}${tags(session, page)}</div>
<p class="lead">${summary(view)}</p>
</div></div>
<div class="card pad">
${opening === undefined && html`<p>${history.none}</p>`}
<ol class="timeline">${opening && item(view, opening)}${
    omitsEntries &&
    html`<li><span class="dot">${icon('info')}</span><p class="alone">${history.omitted}</p></li>`
  }${later.map((entry) => item(view, entry))}</ol>
</div>`;
  return layout({
    page,
    title: `${history.title}: ${deviceName(session, page)}`,
    content,
    width: 'middle',
    entry: 'devices',
  });
}

function state({ page, session }: SessionHistoryView): Html {
  const { history } = TEXTS[page.language];
  return session.ended
    ? html`<span class="tag bad">${history.over}</span>`
    : html`<span class="tag good">${history.living}</span>`;
}

/** How the end is known, and why it came. */
function summary({ page, session, endEvidence, endedNotBefore, endedNotAfter }: SessionHistoryView): Html {
  const texts = TEXTS[page.language];
  const { history } = texts;
  if (endEvidence === undefined) {
    return fill(history.livingUntil, moment(session.absoluteDeadline, page));
  }
  const isExact = endedNotBefore?.getTime() === endedNotAfter?.getTime();
  const when = isExact
    ? fill(history.recorded, moment(endedNotBefore, page))
    : fill(history.between, moment(endedNotBefore, page), moment(endedNotAfter, page));
  const how = {
    RECORDED: texts.ends[session.ended?.endReason ?? 'UNSPECIFIED'].why,
    DEADLINE: history.deadline,
    LOST: history.lost,
  };
  return html`${when}${texts.common.joint}${how[endEvidence]}`;
}

function item({ page }: SessionHistoryView, entry: TimelineEntryView): Html {
  const { history } = TEXTS[page.language];
  const [name, tone] = LOOKS[entry.kind];
  return html`<li><span class="dot ${tone}">${icon(name)}</span>
<h2>${history.kinds[entry.kind]}</h2>${relative(entry.at, page)}
<p>${details(entry, page)}</p></li>`;
}

/** What is known of an event, in short sentences. */
function details(entry: TimelineEntryView, page: SessionHistoryView['page']): Html {
  const texts = TEXTS[page.language];
  const { history, common } = texts;
  const { kind, ipAddress, previousIpAddress, clientId, reason, count } = entry;
  const place =
    kind === 'MOVED'
      ? fill(history.moved, previousIpAddress || common.unknown, ipAddress || common.unknown)
      : ipAddress !== '' && fill(history.address, ipAddress);
  const sentencesOf: readonly (Html | string | false)[] = [
    kind === 'ENDED' && texts.ends[entry.endReason].why,
    kind === 'ENDED' && history.by[entry.endedBy],
    reason !== '' && (textOfName(history.anomalies, reason) ?? html`<code>${reason}</code>`),
    place,
    clientId !== '' && fill(history.application, clientId),
    count > 1 && fill(history.times, count, relative(entry.lastAt, page)),
  ];
  const known = sentencesOf.filter((sentence) => sentence !== false && sentence !== '');
  return html`${known.map((sentence, index) => [index > 0 && common.joint, sentence])}`;
}
