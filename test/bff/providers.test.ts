import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OidcServer } from '../support/oidc-server.ts';
import { BffSite, PASSWORD, UNKNOWN_DEVICE } from './support/bff-site.ts';
import { type Answer, Browser } from './support/browser.ts';

const PUBLIC_ORIGIN = 'https://login.example.com';
const CALLBACK = '/external/acme/callback';

let folder: string;
let provider: OidcServer;
let site: BffSite;
let origin: string;
let browser: Browser;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-providers-'));
  provider = await OidcServer.start(PUBLIC_ORIGIN + CALLBACK);
  const { issuer, clientId, clientSecret } = provider;
  const acme = { name: 'acme', type: 'oidc', display_name: 'Acme', issuer, client_id: clientId };
  writeFileSync(path.join(folder, 'acme.secret'), clientSecret);
  const file = path.join(folder, 'providers.json');
  const list = [{ ...acme, client_secret_file: 'acme.secret', create_users: true }];
  writeFileSync(file, JSON.stringify({ providers: list }));
  site = await BffSite.open({
    LATCHKEY_PROVIDERS_FILE: file,
    LATCHKEY_PUBLIC_ORIGIN: PUBLIC_ORIGIN,
    LATCHKEY_MAX_SESSIONS_PER_USER: '1',
    LATCHKEY_DEVICE_LIMIT_ACTION: 'refuse',
  });
  ({ origin } = await site.bff());
});

afterAll(async () => {
  await site.close();
  await provider.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  browser = new Browser(origin);
});

/** Begins a sign-in and goes through the pages of the provider. Returns the path that it sends the browser back to. */
async function answerFor(account: string, at = browser): Promise<string> {
  provider.account = account;
  await at.get('/sign-in');
  const left = await at.post('/sign-in/provider', { provider: 'acme', next: '/password' });
  expect(left).toMatchObject({ status: 200, json: { name: 'leave', provider: { displayName: 'Acme' } } });
  return `${CALLBACK}?${await provider.visit(left.json.url)}`;
}

async function signIn(account: string, at = browser): Promise<Answer> {
  return at.get(await answerFor(account, at));
}

/** What the next page says about a sign-in that failed. */
async function noticeAfter(answer: Answer): Promise<string> {
  expect(answer.status).toBe(303);
  return (await browser.get(answer.headers.get('location') ?? '')).json.page.notice.code;
}

describe('sign-in through a provider', () => {
  test('is offered, opens a session, and goes to the page that was asked for', async () => {
    browser.jar.set('lk_device', UNKNOWN_DEVICE);
    expect((await browser.get('/sign-in')).json.providers).toEqual([{ name: 'acme', displayName: 'Acme' }]);
    const answer = await signIn('ada');
    expect(answer).toMatchObject({ status: 303 });
    expect(answer.headers.get('location')).toBe('/password');
    expect(browser.jar.has('lk_flow')).toBe(false);
    const { page } = (await browser.get('/password')).json;
    expect(page).toMatchObject({ isSignedIn: true, hasProviders: true });
  });

  test('at the session limit asks which session ends, and goes on with the same answer', async () => {
    await signIn('grace', new Browser(origin));
    const limited = await signIn('grace');
    expect(limited).toMatchObject({
      status: 409,
      json: { name: 'sign-in', page: { path: '/sign-in?next=%2Fpassword' } },
    });
    const { answer: kept, sessions, by } = limited.json.sessionLimit;
    expect(by).toBe('provider');
    const done = await browser.post('/external/callback', { ...kept, end_session_id: sessions[0].sessionId });
    expect(done.headers.get('location')).toBe('/password');
    expect((await browser.get('/api/session')).json.isSignedIn).toBe(true);
  });

  test('leaves ten minutes at the provider, and ten more to choose a session to end', async () => {
    await browser.get('/sign-in');
    const left = await browser.post('/sign-in/provider', { provider: 'acme', next: '/password' });
    expect(left.setCookies.get('lk_flow')).toContain('Max-Age=1200;');
  });

  test.each([
    ['from another browser', () => browser.jar.delete('lk_flow')],
    ['with a forged cookie', () => browser.jar.set('lk_flow', `${browser.jar.get('lk_flow')}.`)],
    ['after the pre-session has changed', () => browser.jar.delete('lk_pre')],
  ])('refuses an answer %s', async (_which, change) => {
    const answer = await answerFor('mallory');
    change();
    expect(await noticeAfter(await browser.get(answer))).toBe('flow-unknown');
    expect((await browser.get('/api/session')).json.isSignedIn).toBe(false);
  });

  test('refuses the answer of an earlier flow of this browser, and does not use up the later one', async () => {
    const first = await answerFor('joan');
    const second = await answerFor('joan');
    expect(await noticeAfter(await browser.get(first))).toBe('flow-unknown');
    expect((await browser.get(second)).headers.get('location')).toBe('/password');
  });

  test.each([
    ['without a query', () => ''],
    ['with an unknown state', () => '?state=x'],
    ['with a state of 9,000 bytes', () => `?state=${'x'.repeat(9_000)}`],
    ['with two states', (answer: string) => `${answer}&state=x`],
    ['with a query of 9,000 bytes', (answer: string) => `${answer}&x=${'x'.repeat(9_000)}`],
    ['with another code', (answer: string) => answer.replace('code=', 'code=x')],
  ])('refuses an answer %s', async (_which, change) => {
    const answer = await answerFor('ada');
    const changed = change(answer.slice(CALLBACK.length));
    expect((await browser.get(CALLBACK + changed)).status).toBe(303);
    expect((await browser.get('/api/session')).json.isSignedIn).toBe(false);
  });

  test('with a provider that is not there says so', async () => {
    await browser.get('/sign-in');
    expect(await noticeAfter(await browser.post('/sign-in/provider', { provider: 'nobody' }))).toBe(
      'provider-unavailable',
    );
  });

  test('never sends the browser to another site afterwards', async () => {
    provider.account = 'edith';
    await browser.get('/sign-in');
    const left = await browser.post('/sign-in/provider', { provider: 'acme', next: '//evil.example' });
    const answer = await browser.get(`${CALLBACK}?${await provider.visit(left.json.url)}`);
    expect(answer.headers.get('location')).toBe('/devices');
  });
});

describe('the API', () => {
  test('begins a sign-in, and lists and unlinks accounts', async () => {
    expect((await browser.get('/api/providers')).json.providers).toEqual([
      { name: 'acme', displayName: 'Acme' },
    ]);
    const begun = await browser.call('POST', '/api/providers/sign-in', { provider: 'acme' });
    provider.account = 'barbara';
    await browser.get(`${CALLBACK}?${await provider.visit(begun.json.authorizationUrl)}`);
    const { identities } = (await browser.get('/api/identities')).json;
    expect(identities).toMatchObject([{ identityId: 'acme.barbara', provider: { displayName: 'Acme' } }]);
    const last = await browser.call('POST', '/api/identities/unlink', { identityId: 'acme.barbara' });
    expect(last).toMatchObject({ status: 409, json: { reason: 'LAST_SIGN_IN_METHOD' } });
    const unknown = await browser.call('POST', '/api/identities/unlink', { identityId: 'acme.nobody' });
    expect(unknown).toMatchObject({ status: 404, json: { reason: 'IDENTITY_NOT_FOUND' } });
  });

  test('links an account', async () => {
    await browser.signIn('admin', PASSWORD);
    const begun = await browser.call('POST', '/api/providers/link', { provider: 'acme' });
    provider.account = 'emmy';
    await browser.get(`${CALLBACK}?${await provider.visit(begun.json.authorizationUrl)}`);
    const unlinked = await browser.call('POST', '/api/identities/unlink', { identityId: 'acme.emmy' });
    expect(unlinked.status).toBe(204);
    await browser.post('/sign-out');
  });
});

describe('linked accounts', () => {
  test('are listed, and the only way to sign in cannot be unlinked', async () => {
    await signIn('hedy');
    const { identities, username } = (await browser.get('/providers')).json;
    expect(username).toMatch(/^acme-[0-9a-f]{32}$/);
    const [identity] = identities;
    expect(identity).toMatchObject({
      identityId: 'acme.hedy',
      provider: { name: 'acme', displayName: 'Acme' },
    });
    const answer = await browser.post('/providers/unlink', { identity_id: identity.identityId });
    expect(await noticeAfter(answer)).toBe('last-sign-in-method');
  });

  test('of somebody else cannot be linked', async () => {
    await signIn('rosalind', new Browser(origin));
    await browser.signIn('admin', PASSWORD);
    const left = await browser.post('/providers/link', { provider: 'acme' });
    provider.account = 'rosalind';
    const answer = await browser.get(`${CALLBACK}?${await provider.visit(left.json.url)}`);
    expect(answer.headers.get('location')).toBe('/providers');
    expect(await noticeAfter(answer)).toBe('identity-taken');
    await browser.post('/sign-out');
  });

  test('are not linked after the session that asked for it has ended', async () => {
    await browser.signIn('admin', PASSWORD);
    const left = await browser.post('/providers/link', { provider: 'acme' });
    provider.account = 'katherine';
    const query = await provider.visit(left.json.url);
    const copy = new Browser(origin);
    for (const [name, value] of browser.jar) copy.jar.set(name, value);
    await copy.post('/sign-out');
    const answer = await browser.get(`${CALLBACK}?${query}`);
    expect(answer.headers.get('location')).toBe('/providers');
    const signIn = (await browser.get('/providers')).headers.get('location') ?? '';
    expect(signIn).toBe('/sign-in?next=%2Fproviders');
    expect((await browser.get(signIn)).json.page.notice.code).toBe('link-session-ended');
  });

  test.each([
    ['', 400],
    ['.', 400],
    ['acme', 400],
    ['acme.', 422],
  ])('with the malformed id %j are not unlinked', async (id, status) => {
    await signIn('lise');
    expect((await browser.post('/providers/unlink', { identity_id: id })).status).toBe(status);
    await browser.post('/sign-out');
  });
});
