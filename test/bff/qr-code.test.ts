import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { BffSite, PASSWORD } from './support/bff-site.ts';
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
  phone.userAgent =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1';
  await phone.signIn('admin', PASSWORD);
});

/** The path that the code of the desktop opens on the phone. */
async function shown(): Promise<string> {
  const { ticket } = (await desktop.get('/sign-in')).json;
  expect(ticket.url).toMatch(new RegExp(`^${origin}/qr/[\\w-]{22}$`));
  return new URL(ticket.url).pathname;
}

async function digits(): Promise<string> {
  return (await desktop.get('/api/ticket')).json.digits;
}

describe('sign-in by QR code', () => {
  test('signs the desktop in when the phone has typed the digits', async () => {
    const path = await shown();
    const events = await EventSourceOf.open(desktop, '/sign-in/code/events');
    expect((await phone.get(path)).json).toMatchObject({ name: 'approve', step: { kind: 'ask' } });
    expect((await desktop.get('/api/ticket')).json.state).toBe('PENDING');
    const scanned = await phone.post(`${path}/scan`);
    expect(scanned.json.step).toMatchObject({
      ...{
        kind: 'decide',
        asker: { deviceName: 'Chrome 142 on Windows', clientId: 'web', username: 'admin' },
      },
    });
    await eventually(() => events.data('ticket').at(-1)?.['state'] === 'SCANNED');
    const approved = await phone.post(`${path}/approve`, { digits: await digits() });
    expect(approved.json.step).toEqual({ kind: 'approved' });
    await eventually(() => events.data('ticket').at(-1)?.['state'] === 'APPROVED');
    const signedIn = await desktop.post('/sign-in/code/redeem', { next: '/password' });
    expect(signedIn.headers.get('location')).toBe('/password');
    const { identity } = (await desktop.get('/api/session')).json;
    expect(identity.authenticationMethods).toEqual(['mca']);
    await eventually(() => events.isOver);
    expect(events.data('ticket').at(-1)).toMatchObject({ state: 'REDEEMED' });
    const again = await phone.post(`${path}/scan`);
    expect(again).toMatchObject({ status: 409, json: { page: { notice: { code: 'ticket-used' } } } });
    expect(JSON.stringify(events.events)).not.toMatch(/lkr_|eyJ/);
  });

  test('loses nothing if the answer is lost', async () => {
    const path = await shown();
    await phone.post(`${path}/scan`);
    await phone.post(`${path}/approve`, { digits: await digits() });
    const before = new Map(desktop.jar);
    await desktop.post('/sign-in/code/redeem');
    const first = (await desktop.get('/api/session')).json.identity.sessionId;
    desktop.jar.clear();
    for (const [name, value] of before) desktop.jar.set(name, value);
    await desktop.post('/sign-in/code/redeem');
    expect((await desktop.get('/api/session')).json.identity.sessionId).toBe(first);
  });

  test('loses nothing if the answer of the service is lost', async () => {
    const proxy = await TcpProxy.open(Number(site.service.address.split(':').at(-1)));
    const bff = await site.bff({ LATCHKEY_BFF_SERVICE_ADDRESS: `127.0.0.1:${proxy.port}` });
    desktop = new Browser(bff.origin);
    const { ticket } = (await desktop.get('/sign-in')).json;
    const path = new URL(ticket.url).pathname;
    await phone.post(`${path}/scan`);
    await phone.post(`${path}/approve`, { digits: await digits() });
    proxy.resetInReplyTo(path.split('/').at(-1) ?? '');
    const lost = await desktop.post('/sign-in/code/redeem');
    expect(lost).toMatchObject({ status: 503, json: { ticket: { url: ticket.url, state: 'REDEEMED' } } });
    expect((await desktop.post('/sign-in/code/redeem')).status).toBe(303);
    await bff.close();
    await proxy.close();
  });

  test('shows the same code again when the page is loaded again, and a new one on request', async () => {
    const path = await shown();
    expect(await shown()).toBe(path);
    expect((await desktop.post('/sign-in/code', { next: '/password' })).headers.get('location')).toBe(
      '/sign-in?next=%2Fpassword',
    );
    expect(await shown()).not.toBe(path);
  });

  test('tells a desktop without scripts what to do next', async () => {
    const path = await shown();
    await phone.post(`${path}/scan`);
    const page = await desktop.post('/sign-in/code/redeem');
    expect(page.json).toMatchObject({
      name: 'sign-in',
      ticket: { state: 'SCANNED', digits: await digits() },
    });
  });

  test('answers a poll with 304 until the state changes', async () => {
    const path = await shown();
    const first = await desktop.get('/api/ticket');
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]+"$/);
    expect((await desktop.get('/api/ticket', { 'if-none-match': tag })).status).toBe(304);
    await phone.post(`${path}/scan`);
    const next = await desktop.get('/api/ticket', { 'if-none-match': tag });
    expect(next.status).toBe(200);
    expect(next.json.state).toBe('SCANNED');
  });

  test('is kept while the service is frozen, and a poll is told to repeat', async () => {
    const path = await shown();
    site.service.freeze();
    const answer = await desktop.get('/api/ticket');
    site.service.thaw();
    expect(answer).toMatchObject({ status: 503, json: { retryAfterSeconds: 2 } });
    expect(await shown()).toBe(path);
  });

  test('ends after one wrong try, and both sides are told', async () => {
    const path = await shown();
    await phone.post(`${path}/scan`);
    const wrong = String((Number(await digits()) + 1) % 100).padStart(2, '0');
    const answer = await phone.post(`${path}/approve`, { digits: wrong });
    expect(answer.status).toBe(409);
    expect(answer.json).toMatchObject({
      ...{ step: { kind: 'over' }, page: { notice: { code: 'ticket-wrong-digits' } } },
    });
    expect((await desktop.get('/api/ticket')).json).toMatchObject({
      state: 'DENIED',
      denial: 'WRONG_DIGITS',
    });
    const redeemed = await desktop.post('/sign-in/code/redeem');
    expect(redeemed.json).toMatchObject({
      ...{ name: 'sign-in', ticket: { state: 'PENDING' }, page: { notice: { code: 'ticket-wrong-digits' } } },
    });
  });

  test('does not count a slip of the finger as a try', async () => {
    const path = await shown();
    await phone.post(`${path}/scan`);
    const slipped = await phone.post(`${path}/approve`, { digits: '7' });
    expect(slipped.status).toBe(422);
    expect(slipped.json.step).toMatchObject({ kind: 'decide', digits: '7' });
    expect((await phone.post(`${path}/approve`, { digits: await digits() })).status).toBe(200);
  });

  test('can be denied', async () => {
    const path = await shown();
    await phone.post(`${path}/scan`);
    expect((await phone.post(`${path}/deny`)).json.step).toEqual({ kind: 'denied' });
    expect((await desktop.get('/api/ticket')).json).toMatchObject({ state: 'DENIED', denial: 'BY_APPROVER' });
  });

  test('is of no use in another browser', async () => {
    const path = await shown();
    const thief = new Browser(origin);
    await thief.get('/sign-in');
    thief.jar.set('lk_ticket', desktop.jar.get('lk_ticket') ?? '');
    await phone.post(`${path}/scan`);
    await phone.post(`${path}/approve`, { digits: await digits() });
    expect((await thief.call('POST', '/api/ticket/redeem')).status).toBe(404);
    expect((await thief.get('/api/ticket')).status).toBe(404);
    expect((await desktop.call('POST', '/api/ticket/redeem')).status).toBe(204);
  });

  test('needs a signed-in phone, which comes back to the code after its sign-in', async () => {
    const path = await shown();
    const stranger = new Browser(origin);
    const sent = await stranger.get(path);
    expect(sent.headers.get('location')).toBe(`/sign-in?next=${encodeURIComponent(path)}`);
    const answer = await stranger.post('/sign-in', { username: 'admin', password: PASSWORD, next: path });
    expect(answer.headers.get('location')).toBe(path);
  });

  test.each(['short', 'A'.repeat(22), encodeURIComponent('../../../../etc/passwd')])(
    'says that the code %s is unknown',
    async (ticketId) => {
      const answer = await phone.post(`/qr/${ticketId}/scan`);
      expect(answer.status).toBe(404);
      expect(answer.json.page.notice.code).toBe('ticket-unknown');
    },
  );
});
