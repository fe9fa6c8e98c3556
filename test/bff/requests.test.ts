import { get } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { BffSite, PASSWORD } from './support/bff-site.ts';
import { Browser } from './support/browser.ts';

let site: BffSite;
let origin: string;
let browser: Browser;

beforeAll(async () => {
  site = await BffSite.open();
  ({ origin } = await site.bff());
});

afterAll(() => site.close());

beforeEach(() => {
  browser = new Browser(origin);
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('a change', () => {
  const fields = { username: 'admin', password: PASSWORD };

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another subdomain', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
  ])('from %s is refused, sign-in included', async (_from, headers) => {
    const answer = await browser.post('/sign-in', fields, headers);
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ name: 'message', code: 'csrf-refused' });
    expect(browser.jar.has('lk_access')).toBe(false);
  });

  test('without Sec-Fetch-Site is judged by its Origin, and without both it is refused', async () => {
    const csrf = await browser.csrfToken();
    const body = new URLSearchParams({ csrf, ...fields }).toString();
    const send = (headers: Record<string, string>) =>
      fetch(`${origin}/sign-in`, {
        ...{ method: 'POST', redirect: 'manual', body },
        headers: { ...FORM, cookie: browser.cookies, ...headers },
      });
    expect((await send({})).status).toBe(403);
    expect((await send({ origin })).status).toBe(303);
  });

  test('with the token of another browser is refused, and the form is shown again', async () => {
    const other = new Browser(origin);
    const csrf = await other.csrfToken();
    const answer = await browser.post('/sign-in', { ...fields, csrf });
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({
      ...{ name: 'sign-in', username: 'admin', page: { notice: { code: 'form-expired' } } },
    });
  });

  test.each(['', 'x', 'A'.repeat(22), '=', `${'A'.repeat(21)}!`])(
    'with the token %j is refused',
    async (csrf) => {
      await browser.signIn('admin', PASSWORD);
      const answer = await browser.post('/sign-out', { csrf });
      expect(answer.status).toBe(403);
      expect((await browser.get('/api/session')).json.isSignedIn).toBe(true);
    },
  );

  test('with the token from before the sign-in is refused', async () => {
    const csrf = await browser.csrfToken();
    await browser.signIn('admin', PASSWORD);
    expect((await browser.post('/devices/end-others', { csrf })).status).toBe(403);
  });

  test('from another site does not take the pre-session away, nor the code that is bound to it', async () => {
    await browser.get('/sign-in');
    const before = browser.cookies;
    // Browsers send no Lax cookies with such a form, but keep the cookies of the answer.
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', cookie: '' };
    for (const path of ['/sign-in', '/nothing', '/api/sign-in']) {
      const answer = await browser.send(path, { method: 'POST', headers });
      expect(answer.status).toBe(403);
      expect([...answer.setCookies.keys()]).toEqual([]);
    }
    expect(browser.cookies).toBe(before);
    expect((await browser.get('/api/ticket')).status).toBe(200);
  });

  test('of the API needs the token in a header', async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(fields);
    const answer = await browser.send('/api/sign-in', { method: 'POST', headers, body });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ title: 'Forbidden', status: 403, reason: 'CSRF_REFUSED' });
    expect((await browser.call('POST', '/api/sign-in', fields)).status).toBe(204);
  });
});

describe('cookies', () => {
  test('are HttpOnly and SameSite=Lax, and on http loopback without Secure and prefix', async () => {
    const answer = await browser.signIn('admin', PASSWORD);
    const names = ['lk_access', 'lk_device', 'lk_pre', 'lk_refresh', 'lk_ticket'];
    expect([...answer.setCookies.keys()].sort()).toEqual(names);
    for (const text of answer.setCookies.values()) {
      expect(text).toMatch(/^\w+=[^;]*; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    }
  });

  test('have the prefix __Host- and Secure with https', async () => {
    const keys = new URL('../support/eventually.ts', import.meta.url).pathname;
    await expect(
      site.bff({
        LATCHKEY_BFF_PUBLIC_ORIGIN: 'https://login.example.com',
        LATCHKEY_BFF_COOKIE_KEYS_FILE: keys,
      }),
    ).rejects.toThrow('line 1 of the file of the cookie keys is not 32 bytes in base64url');
    const secured = new Browser('https://login.example.com', (await site.secureBff()).url);
    const answer = await secured.signIn('admin', PASSWORD);
    expect(answer.status).toBe(303);
    expect(answer.setCookies.size).toBe(5);
    for (const [name, text] of answer.setCookies) {
      expect(name).toMatch(/^__Host-lk_/);
      expect(text).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
      expect(text).not.toMatch(/Domain/i);
    }
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect((await secured.get('/devices')).json.name).toBe('devices');
  });

  test.each([
    ['no token', 'lk_access=x; lk_refresh=y; lk_pre=z; lk_ticket=a; lk_device=b; lk_notice=c; lk_language=d'],
    ['broken escapes', 'lk_access=%E0%A4%A; lk_refresh=%; lk_pre=%00'],
    ['no names', '=; ;;; =x; lk_access'],
    ['8 kB', `lk_access=${'x'.repeat(8_000)}`],
    ['a refresh token of nobody', `lk_refresh=lkr_${'A'.repeat(91)}`],
    ['control characters in escapes', 'lk_refresh=a%0d%0ab; lk_access=a%0d%0ab'],
  ])('that are forged (%s) sign nobody in, and cause no fault', async (_how, cookie) => {
    for (const path of [
      '/sign-in',
      '/devices',
      '/api/session',
      '/api/sessions',
      '/api/ticket',
      '/api/events',
    ]) {
      const answer = await browser.get(path, { cookie });
      expect(answer.status).toBeLessThan(500);
      expect(answer.json?.isSignedIn ?? false).toBe(false);
      browser.jar.clear();
    }
  });

  test('that are sent twice are refused with a page or a problem', async () => {
    await browser.signIn('admin', PASSWORD);
    const cookie = `lk_access=forged; ${browser.cookies}`;
    const page = await browser.get('/devices', { cookie });
    expect(page.status).toBe(400);
    expect(page.json).toMatchObject({ name: 'message', code: 'bad-request' });
    expect((await browser.get('/api/session', { cookie })).json).toMatchObject({ status: 400 });
  });
});

describe('every answer', () => {
  test('forbids what its pages do not need, and is not cached', async () => {
    for (const path of ['/sign-in', '/api/session', '/nothing', '/api/nothing', '/healthz']) {
      const { headers } = await browser.get(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('about a path that does not exist is a page or a problem', async () => {
    expect((await browser.get('/nothing')).json).toMatchObject({ name: 'message', code: 'not-found' });
    const problem = await browser.get('/api/nothing');
    expect(problem.status).toBe(404);
    expect(problem.json).toMatchObject({ type: 'about:blank', title: 'Not Found', status: 404 });
  });

  test.each(['/%', '/qr/%ff', `/qr/${'x'.repeat(200)}`, '/api/sessions/%'])(
    'about the URL %s is a page or a problem, with the headers of any other',
    async (path) => {
      const { headers, status, json } = await browser.get(path);
      expect(status).toBe(400);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const isApi = path.startsWith('/api');
      expect(json).toMatchObject(isApi ? { title: 'Bad Request' } : { name: 'message', code: 'bad-request' });
    },
  );

  test.each([
    ['too large', '/sign-in', FORM, 'x'.repeat(20_000), 413],
    ['of another type', '/sign-in', { 'content-type': 'text/plain' }, 'x', 415],
    ['no JSON', '/api/sign-in', { 'content-type': 'application/json' }, '{', 400],
    ['without a field', '/api/sign-in', { 'content-type': 'application/json' }, '{}', 400],
    ['with a field too many', '/api/sign-in', { 'content-type': 'application/json' }, '{"a":1}', 400],
  ])('to a body that is %s says so', async (_what, path, headers, body, status) => {
    const csrf = await browser.csrfToken();
    const sent = { method: 'POST', headers: { ...headers, 'x-csrf-token': csrf }, body };
    expect((await browser.send(path, sent)).status).toBe(status);
  });
});

describe('what is the same for everybody', () => {
  test('the API is described by an OpenAPI document, and by a page', async () => {
    const { json } = await browser.get('/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    expect(json.servers).toEqual([{ url: origin }]);
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining([
        '/api/session',
        '/api/sessions/{sessionId}',
        '/api/tickets/{ticketId}/approve',
      ]),
    );
    expect((await browser.get('/api')).json).toMatchObject({ name: 'api-document' });
  });

  test('the signing keys can be fetched and cached', async () => {
    const answer = await browser.get('/.well-known/jwks.json');
    expect(answer.json.keys[0]).toMatchObject({ use: 'sig', alg: 'EdDSA' });
    expect(answer.json.keys[0]).not.toHaveProperty('d');
    expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
  });

  test('files of the pages are cached for ever', async () => {
    const answer = await browser.get('/assets/style.abc.css');
    expect(answer.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  test('health and readiness', async () => {
    expect((await browser.get('/healthz')).json).toEqual({ live: true });
    expect((await browser.get('/readyz')).json).toEqual({ ready: true });
  });

  test('a link chooses the language for the next pages too', async () => {
    expect(
      (await browser.get('/sign-in', { 'accept-language': 'fr, zh-TW;q=0.9, en;q=0.1' })).json.page.language,
    ).toBe('zh');
    expect((await browser.get('/sign-in')).json.page.language).toBe('en');
    const chosen = await browser.get('/sign-in?next=%2Fpassword&lang=zh');
    expect(chosen.headers.get('location')).toBe('/sign-in?next=%2Fpassword');
    expect((await browser.get('/sign-in')).json.page.language).toBe('zh');
  });

  test('a link that chooses the language leads to no other host', async () => {
    await browser.signIn('admin', PASSWORD);
    const location = await locationOf('/qr/..\\\\evil.example?lang=zh');
    expect(new URL(location, origin).origin).toBe(origin);
  });
});

/** Sends the path as it is: `fetch` would replace backslashes. */
function locationOf(path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { hostname, port } = new URL(origin);
  const headers = { cookie: browser.cookies };
  get({ hostname, port, path, headers }, (answer) => {
    answer.resume();
    resolve(answer.headers.location ?? '');
  });
  return promise;
}
