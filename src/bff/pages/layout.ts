import type { EndReasonName } from '../../client/index.ts';
import type { PageView } from '../views.ts';
import { ASSET_PATHS, type ScriptName } from './assets.ts';
import { form } from './form.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import { pathInLanguage } from './local-path.ts';
import { banner, notice } from './notice.ts';
import { sentences, TEXTS, type Texts } from './texts/texts.ts';

export type MenuEntry = 'devices' | 'password' | 'providers';

export interface Layout {
  readonly page: PageView;
  readonly title: string;
  readonly content: Html;
  /** The entry of the menu that this page is. */
  readonly entry?: MenuEntry;
  readonly scripts?: readonly ScriptName[];
  /** Where the browser goes at once. */
  readonly goesTo?: string;
  /** Whether something can be typed. If the session ends, the page says that it is still there. */
  readonly hasFields?: boolean;
  /** How wide the content may be. Default: as wide as the frame. */
  readonly width?: 'narrow' | 'middle' | 'broad';
}

/** The whole HTML document: head, menu, notice, content and footer. */
export function layout({
  page,
  title,
  content,
  entry,
  scripts = [],
  goesTo,
  hasFields = false,
  width,
}: Layout): string {
  const { common } = TEXTS[page.language];
  const all: readonly ScriptName[] = [
    'times',
    ...(page.isSignedIn ? (['session'] as const) : []),
    ...scripts,
  ];
  return html`<!doctype html>
<html lang="${common.languageTag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · latchkey</title>
${goesTo !== undefined && html`<meta http-equiv="refresh" content="0;url=${goesTo}">\n`}<link rel="icon" type="image/svg+xml" href="${ASSET_PATHS.logo}">
<link rel="stylesheet" href="${ASSET_PATHS.style}">
${all.map((name) => html`<script type="module" src="${ASSET_PATHS[name]}"></script>\n`)}</head>
<body>
<header class="bar${page.isSignedIn && ' signed-in'}">
<a class="skip" href="#content">${common.skip}</a>
<a class="brand" href="/"><img src="${ASSET_PATHS.logo}" alt="" width="32" height="32">latchkey</a>
${page.isSignedIn && menu(page, entry)}
<div class="tools">${languageLink(page)}${page.isSignedIn && signOut(page)}</div>
</header>
<main id="content"${width && html` class="${width}"`}>
${page.isSignedIn && liveEnd(page, hasFields)}
${notice(page)}
${content}
</main>
<footer><span>${common.footer}</span><a href="/api">${common.api}</a></footer>
${page.isSignedIn && html`<div class="toasts" role="status" data-toasts></div>`}
</body>
</html>
`.toString();
}

function menu({ language, hasProviders }: PageView, current: MenuEntry | undefined): Html {
  const { common } = TEXTS[language];
  const link = (entry: MenuEntry): Html =>
    html`<a href="/${entry}"${entry === current && html` aria-current="page"`}>${common[entry]}</a>`;
  return html`<nav class="menu" aria-label="${common.menu}">${link('devices')}${link('password')}${hasProviders && link('providers')}</nav>`;
}

function languageLink({ language, path }: PageView): Html {
  const other = language === 'en' ? 'zh' : 'en';
  const { languageTag } = TEXTS[other].common;
  const name = TEXTS[language].common.otherLanguage;
  return html`<a href="${pathInLanguage(path, other)}" hreflang="${languageTag}" lang="${languageTag}">${icon('language', 18)}${name}</a>`;
}

function signOut(page: PageView): Html {
  const { signOut } = TEXTS[page.language].common;
  return form(
    page,
    '/sign-out',
    html`<button type="submit">${icon('leave', 18)}<span>${signOut}</span></button>`,
  );
}

/** What `session.js` shows when this session ends, with one sentence for each reason. */
function liveEnd({ language, path }: PageView, hasFields: boolean): Html {
  const { ends, ended } = TEXTS[language];
  const reasons = Object.keys(ends) as EndReasonName[];
  const why = reasons.map(
    (reason) => html`<span data-reason="${reason}" hidden>${endText(reason, TEXTS[language])}</span>`,
  );
  const signIn = html`<p><a href="/sign-in?next=${encodeURIComponent(path)}" target="_blank" rel="noopener">${ended.signIn}</a></p>`;
  return html`<template data-live-end>${banner('bad', ended.live, html`${why} ${hasFields && ended.stays}${signIn}`)}</template>`;
}

/** Why a session ended and what to do, in two sentences. */
export function endText(reason: EndReasonName, texts: Texts): Html {
  return sentences(texts, texts.ends[reason].why, texts.ends[reason].advice);
}
