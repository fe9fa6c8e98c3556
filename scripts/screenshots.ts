// Takes pictures of the pages of the BFF for docs/screenshots. Needs chromium. The pictures in the repository were
// taken with Debian's fonts-inter and fonts-noto-cjk; with other fonts they look different.
// Arguments: names of pages. None: those of the documentation. `--all`: every page, light and dark, wide and narrow.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { Language } from '../src/bff/views.ts';
import { startChromium } from '../test/support/chromium.ts';
import { type PageServer, startPageServer } from '../test/support/page-server.ts';
import { SAMPLE_PAGES } from '../test/support/sample-pages.ts';
import { NOW } from '../test/support/sample-views.ts';

interface Picture {
  readonly page: string;
  readonly language: Language;
  readonly colours: 'light' | 'dark';
  readonly screen: 'desktop' | 'phone';
}

const SCREENS = { desktop: { width: 1200, height: 800 }, phone: { width: 390, height: 844 } } as const;
const MAX_BYTES = 150_000;
const folder = path.resolve(import.meta.dirname, '../docs/screenshots');

/** The pages of the documentation: each once, so that all kinds of screens are seen. */
const DOCUMENTED: readonly Picture[] = [
  { page: 'sign-in', language: 'en', colours: 'light', screen: 'desktop' },
  { page: 'sign-in-scanned', language: 'en', colours: 'dark', screen: 'desktop' },
  { page: 'sign-in', language: 'zh', colours: 'light', screen: 'phone' },
  { page: 'approve', language: 'en', colours: 'light', screen: 'phone' },
  { page: 'devices', language: 'en', colours: 'light', screen: 'desktop' },
  { page: 'devices', language: 'zh', colours: 'dark', screen: 'phone' },
  { page: 'session-history', language: 'en', colours: 'light', screen: 'desktop' },
  { page: 'change-password', language: 'en', colours: 'light', screen: 'desktop' },
  { page: 'providers', language: 'en', colours: 'dark', screen: 'desktop' },
  { page: 'session-ended', language: 'en', colours: 'light', screen: 'phone' },
  { page: 'message', language: 'en', colours: 'light', screen: 'desktop' },
  { page: 'api', language: 'en', colours: 'light', screen: 'desktop' },
];

async function take(browser: Browser, server: PageServer, picture: Picture, target: string): Promise<void> {
  const { page: name, language, colours, screen } = picture;
  const context = await browser.newContext({
    viewport: SCREENS[screen],
    colorScheme: colours,
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${server.url}/${name}?lang=${language}`);
  const image = await page.screenshot({ fullPage: true });
  await context.close();
  const file = `${name}-${language}-${colours}-${screen}.png`;
  if (target === folder && image.length > MAX_BYTES)
    throw new Error(`${file} has ${image.length} bytes, more than ${MAX_BYTES}.`);
  writeFileSync(path.join(target, file), image);
  console.log(`${file}: ${image.length} bytes`);
}

function everyPicture(): readonly Picture[] {
  return Object.keys(SAMPLE_PAGES).flatMap((page) =>
    (['desktop', 'phone'] as const).flatMap((screen) =>
      (['light', 'dark'] as const).map((colours) => ({
        page,
        language: colours === 'light' ? 'en' : 'zh',
        colours,
        screen,
      })),
    ),
  );
}

const [mode, target = folder] = process.argv.slice(2);
mkdirSync(target, { recursive: true });
const server = await startPageServer((url) =>
  SAMPLE_PAGES[url.pathname.slice(1)]?.(url.searchParams.get('lang') === 'zh' ? 'zh' : 'en'),
);
const browser = await startChromium();
try {
  for (const picture of mode === '--all' ? everyPicture() : DOCUMENTED) {
    await take(browser, server, picture, target);
  }
} finally {
  await browser.close();
  await server.close();
}
