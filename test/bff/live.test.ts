import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { BffSite, PASSWORD, UNKNOWN_DEVICE } from './support/bff-site.ts';
import { Browser } from './support/browser.ts';
import { EventSourceOf } from './support/event-source.ts';

let site: BffSite;
let origin: string;
let desktop: Browser;
let phone: Browser;

beforeAll(async () => {
  site = await BffSite.open();
  ({ origin } = await site.bff());
});

afterAll(() => site.close());

beforeEach(async () => {
  desktop = new Browser(origin);
  phone = new Browser(origin);
  await desktop.signIn('admin', PASSWORD);
  await desktop.call('POST', '/api/sessions/end-others');
  await phone.signIn('admin', PASSWORD);
});

const sessionIdOf = async (browser: Browser): Promise<string> =>
  (await browser.get('/api/session')).json.identity.sessionId;

describe('an open page', () => {
  test('is told at once that its session was ended from another device, and why', async () => {
    const events = await EventSourceOf.open(desktop, '/api/events');
    expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await eventually(() => events.data('alive').length === 1);
    const sessionId = await sessionIdOf(desktop);
    const answer = await phone.post('/devices/end', { session_id: sessionId });
    expect(answer.headers.get('location')).toBe('/devices');
    await eventually(() => events.isOver);
    expect(events.data('ended')).toMatchObject([{ sessionId, endReason: 'ENDED_BY_USER', endedBy: 'USER' }]);
    expect((await desktop.get('/devices')).headers.get('location')).toBe('/sign-in?next=%2Fdevices');
    expect((await desktop.get('/sign-in')).json.ended).toMatchObject({ endReason: 'ENDED_BY_USER' });
  });

  test('is told that another session of its user ended', async () => {
    const events = await EventSourceOf.open(desktop, '/api/events');
    await eventually(() => events.data('alive').length === 1);
    const sessionId = await sessionIdOf(phone);
    await phone.post('/sign-out');
    await eventually(() => events.data('session-ended').length === 1);
    expect(events.data('session-ended')).toMatchObject([{ sessionId, endReason: 'LOGGED_OUT' }]);
    expect(events.isOver).toBe(false);
    events.close();
  });

  test('ends with the BFF, which does not wait for it', async () => {
    const bff = await site.bff();
    const browser = new Browser(bff.origin);
    await browser.signIn('admin', PASSWORD);
    const events = await EventSourceOf.open(browser, '/api/events');
    await eventually(() => events.data('alive').length === 1);
    await bff.close();
    await eventually(() => events.isOver);
  });

  test('is limited in number', async () => {
    const open = [];
    for (let opened = 0; opened < 20; opened += 1)
      open.push(await EventSourceOf.open(desktop, '/api/events'));
    expect((await EventSourceOf.open(desktop, '/api/events')).status).toBe(429);
    for (const events of open) events.close();
    await eventually(async () => {
      const events = await EventSourceOf.open(desktop, '/api/events');
      events.close();
      return events.status === 200;
    });
  });
});

describe('the devices of a person', () => {
  test('are listed, with the one that looks at them', async () => {
    const { sessions } = (await desktop.get('/devices')).json;
    expect(sessions).toHaveLength(2);
    const current = sessions.filter(({ isCurrent }: { isCurrent: boolean }) => isCurrent);
    expect(current.map(({ sessionId }: { sessionId: string }) => sessionId)).toEqual([
      await sessionIdOf(desktop),
    ]);
  });

  test('can be ended all but this one', async () => {
    const answer = await desktop.post('/devices/end-others');
    expect(answer.status).toBe(303);
    const page = (await desktop.get('/devices')).json;
    expect(page.page.notice.code).toBe('others-ended');
    expect(page.sessions).toHaveLength(1);
    await eventually(async () => (await phone.get('/api/session')).json.isSignedIn === false);
  });

  test('can end themselves, which signs this browser out', async () => {
    const answer = await desktop.post('/devices/end', { session_id: await sessionIdOf(desktop) });
    expect(answer.headers.get('location')).toBe('/sign-in');
    expect(desktop.jar.has('lk_access')).toBe(false);
  });

  test.each(['', 'x', '019b7760-0000-7000-8000-000000000002'])(
    'of nobody (%j) cannot be ended',
    async (id) => {
      expect((await desktop.post('/devices/end', { session_id: id })).status).toBe(303);
      expect((await desktop.get('/devices')).json.page.notice.code).toBe('session-not-found');
      expect((await desktop.call('DELETE', `/api/sessions/${id || 'none'}`)).status).toBe(404);
      expect((await desktop.get(`/sessions/${id || 'none'}`)).status).toBe(404);
    },
  );

  test('tell what happened to them', async () => {
    const path = `/sessions/${await sessionIdOf(desktop)}`;
    await eventually(async () => (await desktop.get(path)).json.entries.length > 0);
    expect((await desktop.get(path)).json).toMatchObject({
      ...{ name: 'session-history', session: { isCurrent: true }, entries: [{ kind: 'OPENED', count: 1 }] },
    });
  });
});

describe('a new password', () => {
  const change = (fields: Record<string, string>) =>
    desktop.post('/password', {
      current_password: PASSWORD,
      repeat_password: fields['new_password'] ?? '',
      ...fields,
    });

  test('ends the other sessions, and this one goes on', async () => {
    desktop.jar.set('lk_device', UNKNOWN_DEVICE);
    const answer = await change({ new_password: 'a horse of another colour' });
    expect(answer.headers.get('location')).toBe('/devices');
    expect((await desktop.get('/devices')).json.page.notice.code).toBe('password-changed');
    await eventually(
      async () => (await phone.get('/api/session')).json.ended?.endReason === 'PASSWORD_CHANGED',
    );
    const back = { currentPassword: 'a horse of another colour', newPassword: PASSWORD };
    expect((await desktop.call('POST', '/api/password', back)).status).toBe(200);
  });

  test.each([
    [{ new_password: 'short' }, 422, 'new-password-refused'],
    [{ new_password: 'a horse of another colour', repeat_password: 'b' }, 422, 'passwords-differ'],
    [{ new_password: 'a horse of another colour', current_password: 'wrong' }, 401, 'wrong-current-password'],
    [{ new_password: '' }, 422, 'password-missing'],
  ])('%j is refused, and the form says why', async (fields, status, code) => {
    const answer = await change(fields as unknown as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ name: 'change-password', page: { notice: { code } } });
    expect(answer.json.newPasswordProblem === '').toBe(code !== 'new-password-refused');
    expect(answer.text).not.toContain(PASSWORD);
  });
});

test('while the service hangs, a poll of the code gets 503 with Retry-After', async () => {
  const proxy = await TcpProxy.open(Number(site.service.address.split(':').at(-1)));
  const bff = await site.bff({ LATCHKEY_BFF_SERVICE_ADDRESS: `127.0.0.1:${proxy.port}` });
  const browser = new Browser(bff.origin);
  await browser.get('/sign-in');
  expect((await browser.get('/api/ticket')).status).toBe(200);
  proxy.silence();
  const problem = await browser.get('/api/ticket');
  expect(problem.status).toBe(503);
  expect(problem.headers.get('retry-after')).toMatch(/^\d+$/);
  proxy.reset();
  await bff.close();
  await proxy.close();
}, 30_000);

test('while the service is away, requests get 503 with Retry-After, and the cookies stay', async () => {
  const proxy = await TcpProxy.open(Number(site.service.address.split(':').at(-1)));
  const bff = await site.bff({ LATCHKEY_BFF_SERVICE_ADDRESS: `127.0.0.1:${proxy.port}` });
  const browser = new Browser(bff.origin);
  await browser.signIn('admin', PASSWORD);
  await eventually(async () => (await browser.get('/readyz')).status === 200);
  expect((await browser.get('/devices')).status).toBe(200);
  const before = browser.cookies;
  const { target } = proxy;
  proxy.target = 1;
  proxy.reset();
  const page = await browser.get('/devices');
  expect(page.status).toBe(503);
  expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(page.json).toMatchObject({ name: 'message', code: 'service-unavailable' });
  const problem = await browser.get('/api/sessions');
  expect(problem.status).toBe(503);
  expect(problem.json.detail).not.toContain('127.0.0.1');
  expect((await browser.post('/sign-out')).status).toBe(503);
  expect(browser.cookies).toBe(before);
  proxy.target = target;
  await eventually(async () => (await browser.get('/devices')).status === 200, 10_000);
  await bff.close();
  await proxy.close();
}, 40_000);
