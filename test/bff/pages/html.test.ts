import { describe, expect, test } from '@jest/globals';
import { html } from '../../../src/bff/pages/html.ts';
import { localPath, pathInLanguage } from '../../../src/bff/pages/local-path.ts';
import { fill } from '../../../src/bff/pages/texts/texts.ts';

describe('html', () => {
  test('escapes every value, in text and in attributes', () => {
    const hostile = `<script>"&'</script>`;
    expect(html`<p title="${hostile}">${hostile}</p>`.toString()).toBe(
      '<p title="&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;">&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;</p>',
    );
  });

  test('does not escape HTML of another template, also in lists', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>`.toString()).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>');
  });

  test('writes numbers, and nothing for false and undefined', () => {
    expect(html`${0}|${false}|${undefined}|${''}`.toString()).toBe('0|||');
  });

  test('escapes an object that only looks like Html', () => {
    const forged = { toString: () => '<b>', text: '<b>' } as unknown as string;
    expect(html`${forged}`.toString()).toBe('&lt;b&gt;');
  });

  test('fills a text without reading what is put in', () => {
    expect(fill('From {} to {}.', '{}', html`<b>x</b>`).toString()).toBe('From {} to <b>x</b>.');
  });
});

describe('local paths', () => {
  const foreign = [
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    'https://evil.example',
    'evil',
    '',
    '/\t/evil',
  ];

  test.each(foreign)('%j leads nowhere else', (path) => {
    expect(localPath(path)).toBe('/');
    expect(pathInLanguage(path, 'zh')).toBe('/?lang=zh');
  });

  test('a path keeps its query and gets a language', () => {
    expect(localPath('/devices?page=2')).toBe('/devices?page=2');
    expect(pathInLanguage('/devices?page=2&lang=en', 'zh')).toBe('/devices?page=2&lang=zh');
  });
});
