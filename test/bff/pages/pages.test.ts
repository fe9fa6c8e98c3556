import { describe, expect, test } from '@jest/globals';
import { ASSETS } from '../../../src/bff/pages/assets.ts';
import { devicesPage } from '../../../src/bff/pages/devices-page.ts';
import { LANGUAGES } from '../../../src/bff/views.ts';
import { hostilePages } from '../../support/hostile-views.ts';
import { SAMPLE_PAGES } from '../../support/sample-pages.ts';
import { devicesView, samplePage } from '../../support/sample-views.ts';

const MAX_BYTES = 60_000;
const pages = LANGUAGES.flatMap((language) =>
  Object.entries(SAMPLE_PAGES).map(([name, render]) => [name, language, render(language)] as const),
);

/** The assets that a page loads. */
function assetsOf(page: string) {
  return ASSETS.filter(({ path }) => page.includes(`"${path}"`));
}

describe.each(pages)('the page %s in %s', (_name, language, page) => {
  test('is in its language and has one heading', () => {
    expect(page).toContain(language === 'en' ? '<html lang="en">' : '<html lang="zh-Hans">');
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });

  test('has no inline style, script or handler, and loads nothing from elsewhere', () => {
    expect(page).not.toMatch(/ style=|<style| on[a-z]+=|javascript:/i);
    expect(page).not.toMatch(/<script(?! type="module" src="\/assets\/)/);
    expect(page).not.toMatch(/(?:src|href|action)="(?!\/(?!\/)|#content")/);
  });

  test('sends its token with every form', () => {
    const forms = page.match(/<form /g) ?? [];
    expect(
      page.match(
        /<form method="post" action="\/[^"]+"(?: data-form="[a-z]+")?><input type="hidden" name="csrf" value="lJ2Vd0Qm4yT1sK7e">/g,
      ) ?? [],
    ).toHaveLength(forms.length);
  });

  test('has less than 60 kB with its assets', () => {
    const loaded = assetsOf(page).map(({ body }) => Buffer.byteLength(body));
    expect(loaded.length).toBeGreaterThanOrEqual(3);
    expect(loaded.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(page))).toBeLessThan(MAX_BYTES);
  });

  test('has ids that are unique', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('pages say whose account it is, if that is known', () => {
  const text = (username: string) => devicesPage(devicesView('en', { username }));
  expect(text('mia')).toContain('You are signed in as <strong>mia</strong>.');
  expect(text('')).not.toContain('You are signed in as');
});

test('the menu has no linked accounts if there are no providers', () => {
  const page = (hasProviders: boolean) =>
    devicesPage(devicesView('en', { page: samplePage({ hasProviders }) }));
  expect(page(true)).toContain('href="/providers"');
  expect(page(false)).not.toContain('href="/providers"');
});

describe.each(hostilePages())('%s', (_name, plain, hostile) => {
  /** Tags with the names of their attributes. */
  const shape = (page: string) =>
    [...page.matchAll(/<(\/?[a-z0-9]+)((?: [^\s=>]+(?:="[^"]*")?)*)\s*>/g)].map(
      ([, tag, attributes = '']) => tag + attributes.replaceAll(/="[^"]*"/g, ''),
    );

  test('has the same elements and attributes as without hostile values', () => {
    expect(shape(hostile)).toEqual(shape(plain));
  });

  test('has no hostile text that is not escaped', () => {
    expect(hostile).not.toContain('<img src=x');
    expect(hostile).not.toContain('"onerror');
    expect(hostile).not.toMatch(/(?:src|href|action)="(?:javascript:|\/\/|https?:)/i);
    expect(hostile).toContain('&lt;img');
  });
});
