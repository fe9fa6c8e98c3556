import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Language } from '../../../src/bff/views.ts';
import { accessibilityFaults, addAccessibilityChecker } from '../../support/accessibility.ts';
import { startChromium } from '../../support/chromium.ts';
import { type PageServer, startPageServer } from '../../support/page-server.ts';
import { SAMPLE_PAGES } from '../../support/sample-pages.ts';

const BAD_PAGE =
  '<!doctype html><html lang="en"><title>Bad</title><main><h1>Bad</h1><input><p class="lead" id="faint">Faint</p></main>';
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

/** Every colour scheme, screen and language, but not every combination: a check takes half a second. */
const looks: readonly (readonly [string, Language, BrowserContextOptions])[] = [
  ['light on a desktop', 'en', { ...DESKTOP, colorScheme: 'light' }],
  ['dark on a phone', 'zh', { ...PHONE, colorScheme: 'dark' }],
];

let browser: Browser;
let server: PageServer;

beforeAll(async () => {
  browser = await startChromium();
  server = await startPageServer((url) =>
    url.pathname === '/bad'
      ? BAD_PAGE
      : SAMPLE_PAGES[url.pathname.slice(1)]?.(url.searchParams.get('lang') === 'zh' ? 'zh' : 'en'),
  );
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

describe.each(looks)('%s', (_look, language, options) => {
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const context = await browser.newContext(options);
    await addAccessibilityChecker(context);
    page = await context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });

  afterAll(() => page.context().close());

  test.each(Object.keys(SAMPLE_PAGES))('%s is accessible and fits the screen', async (name) => {
    complaints.length = 0;
    await page.goto(`${server.url}/${name}?lang=${language}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    // The browser also complains here about what the policy for content forbids.
    expect(complaints.filter((text) => !text.startsWith('[DOM] Password forms'))).toEqual([]);
  });
});

test('the checker finds a field without a label and faint text', async () => {
  const context = await browser.newContext();
  await addAccessibilityChecker(context);
  const page = await context.newPage();
  await page.goto(`${server.url}/bad`);
  await page.evaluate(`document.getElementById('faint').style.color = '#ccc'`);
  const faults = await accessibilityFaults(page);
  expect(faults.map((fault) => fault.split(':', 1)[0])).toEqual(['color-contrast #faint', 'label input']);
  await context.close();
});
