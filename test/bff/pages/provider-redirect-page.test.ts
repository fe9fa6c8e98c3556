import { describe, expect, test } from '@jest/globals';
import { providerRedirectPage } from '../../../src/bff/pages/provider-redirect-page.ts';
import { samplePage } from '../../support/sample-views.ts';

const goingTo = (url: string) =>
  providerRedirectPage({
    page: samplePage({ isSignedIn: false }),
    provider: { name: 'acme', displayName: 'Acme' },
    url,
  });

describe('the page that leaves for a provider', () => {
  test('goes on by itself, and by a link', () => {
    const html = goingTo('https://acme.example/authorize?a=1&b="2"#wechat_redirect');
    const target = 'https://acme.example/authorize?a=1&amp;b=%222%22#wechat_redirect';
    expect(html).toContain(`<meta http-equiv="refresh" content="0;url=${target}">`);
    expect(html).toContain(`href="${target}"`);
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', ''])('never goes to %j', (url) => {
    expect(goingTo(url)).toContain('content="0;url=/sign-in"');
  });
});
