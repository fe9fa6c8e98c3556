import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { BffSite, PASSWORD, UNKNOWN_DEVICE } from './support/bff-site.ts';
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

describe('sign-in by password', () => {
  test('opens a session, keeps its tokens in cookies, and goes to the page that was asked for', async () => {
    const page = await browser.get('/sign-in?next=/password');
    expect(page.json).toMatchObject({ name: 'sign-in', next: '/password', ticket: { state: 'PENDING' } });
    const answer = await browser.post('/sign-in', {
      username: 'admin',
      password: PASSWORD,
      next: page.json.next,
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/password');
    const session = (await browser.get('/api/session')).json;
    expect(session).toMatchObject({ isSignedIn: true, identity: { clientId: 'web', roles: ['admin'] } });
    expect(JSON.stringify(session)).not.toContain(browser.jar.get('lk_access'));
  });

  test('starts another pre-session', async () => {
    await browser.get('/sign-in');
    const before = browser.jar.get('lk_pre');
    await browser.signIn('admin', PASSWORD);
    expect(before).toMatch(/^[\w-]{22}\.[\w-]{22}$/);
    expect(browser.jar.get('lk_pre')).not.toBe(before);
  });

  test('names the device by its browser and system', async () => {
    await browser.signIn('admin', PASSWORD);
    const { sessions, username } = (await browser.get('/devices')).json;
    expect(username).toBe('admin');
    expect(sessions.find((each: { isCurrent: boolean }) => each.isCurrent)).toMatchObject({
      ...{ deviceName: 'Chrome 142 on Windows', platform: 'Windows', authenticationMethods: ['pwd'] },
    });
  });

  test('again in the same browser replaces its session', async () => {
    await browser.signIn('admin', PASSWORD);
    const first = (await browser.get('/api/session')).json.identity.sessionId;
    await browser.signIn('admin', PASSWORD);
    const { sessions, endedSessions } = (await browser.get('/devices')).json;
    expect(JSON.stringify(sessions)).not.toContain(first);
    await eventually(async () => {
      const { endedSessions: ended } = (await browser.get('/devices')).json;
      return JSON.stringify(ended).includes(first);
    });
    expect(endedSessions).toBeDefined();
  });

  test('with a wrong password shows the form again with the username, and changes no cookie', async () => {
    await browser.signIn('admin', PASSWORD);
    const before = browser.jar.get('lk_access');
    const answer = await browser.post('/sign-in', { username: 'admin', password: 'wrong', next: '/devices' });
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({
      ...{ name: 'sign-in', username: 'admin', page: { notice: { code: 'invalid-credentials' } } },
    });
    expect(answer.text).not.toContain('wrong');
    expect(browser.jar.get('lk_access')).toBe(before);
  });

  test.each([
    [{ username: ' ', password: 'x' }, 'username-missing'],
    [{ username: 'admin', password: '' }, 'password-missing'],
  ])('says which field of %j is missing', async (fields, code) => {
    const answer = await browser.post('/sign-in', fields);
    expect(answer.status).toBe(422);
    expect(answer.json.page.notice.code).toBe(code);
  });

  test.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/devices\r\nx: y',
    '/api/session',
    '',
  ])('never sends the browser to %j', async (next) => {
    const page = await browser.get(`/sign-in?next=${encodeURIComponent(next)}`);
    expect(page.json.next).toBe('/devices');
    const answer = await browser.post('/sign-in', { username: 'admin', password: PASSWORD, next });
    expect(answer.headers.get('location')).toBe('/devices');
  });
});

describe('sign-out', () => {
  test('ends the session, drops the tokens, and says so', async () => {
    await browser.signIn('admin', PASSWORD);
    const stolen = new Browser(origin);
    stolen.jar.set('lk_access', browser.jar.get('lk_access') ?? '');
    const answer = await browser.post('/sign-out');
    expect(answer.headers.get('location')).toBe('/sign-in');
    expect([...browser.jar.keys()].sort()).toEqual(['lk_device', 'lk_notice', 'lk_pre']);
    expect((await browser.get('/sign-in')).json.page.notice).toEqual({ code: 'signed-out' });
    expect((await browser.get('/sign-in')).json.page.notice).toBeUndefined();
    await eventually(async () => (await stolen.get('/api/session')).json.isSignedIn === false);
    expect((await stolen.get('/api/session')).json.ended).toMatchObject({ endReason: 'LOGGED_OUT' });
  });

  test.each(['/sign-out', '/api/sign-out'])(
    'by %s also drops the cookies of a session that was ended elsewhere, from a page that was open',
    async (path) => {
      await browser.signIn('admin', PASSWORD);
      const csrf = await browser.csrfToken();
      const other = new Browser(origin);
      await other.signIn('admin', PASSWORD);
      await other.post('/devices/end-others');
      await eventually(async () => !(await browser.get('/api/session')).json.isSignedIn);
      const answer = await browser.send(path, { method: 'POST', headers: { 'x-csrf-token': csrf } });
      expect(answer.status).toBe(path === '/sign-out' ? 303 : 204);
      expect(browser.jar.has('lk_access')).toBe(false);
      expect(browser.jar.has('lk_refresh')).toBe(false);
    },
  );

  test('keeps the device, so that its next sign-in is not counted with guesses from elsewhere', async () => {
    await browser.signIn('admin', PASSWORD);
    const device = browser.jar.get('lk_device') ?? '';
    await browser.post('/sign-out');
    expect(device).toMatch(/^[\w-]{22}\.lkd_/);
    expect(browser.jar.get('lk_device')).toBe(device);
  });

  test('succeeds with a device token that the service does not know any more, and replaces it', async () => {
    browser.jar.set('lk_device', UNKNOWN_DEVICE);
    await browser.signIn('admin', PASSWORD);
    expect(browser.jar.get('lk_device')).not.toBe(UNKNOWN_DEVICE);
    expect((await browser.get('/api/session')).json.isSignedIn).toBe(true);
  });
});
