import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connect } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { BffSite, PASSWORD } from './support/bff-site.ts';
import { Browser } from './support/browser.ts';
import { EventSourceOf } from './support/event-source.ts';

const ACCOUNT = {
  LATCHKEY_BFF_SERVICE_USERNAME: 'bff',
  LATCHKEY_BFF_SERVICE_PASSWORD: 'a front of its own',
};
const MAX_SESSIONS = 2;

let site: BffSite;
let origin: string;
let desktop: Browser;
let addresses = 0;

beforeAll(async () => {
  site = await BffSite.open({
    LATCHKEY_FRONT_AUTH: 'token',
    LATCHKEY_MAX_SESSIONS_PER_USER: String(MAX_SESSIONS),
    LATCHKEY_DEVICE_LIMIT_ACTION: 'refuse',
    LATCHKEY_LOGIN_FAILURES_PER_ADDRESS: '2',
  });
  const client = connect(site.service.address, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
  const credential = { $case: 'password', value: ACCOUNT.LATCHKEY_BFF_SERVICE_PASSWORD } as const;
  const user = { username: 'bff', credential, roles: ['front', 'service'] };
  await client.users.createUser(user, { token: tokens.accessToken });
  await client.close();
  ({ origin } = await site.bff({ ...ACCOUNT, LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.0/8' }));
});

afterAll(() => site.close());

beforeEach(() => {
  desktop = new Browser(origin);
});

/** Headers of a browser at an address that no test has used. */
function somewhere(): { readonly 'x-forwarded-for': string } {
  addresses += 1;
  return { 'x-forwarded-for': `203.0.113.${addresses}` };
}

test('at the session limit, the code stays until the person has chosen a session to end', async () => {
  const phone = new Browser(origin);
  await phone.signIn('admin', PASSWORD);
  const { ticket } = (await desktop.get('/sign-in', somewhere())).json;
  const path = new URL(ticket.url).pathname;
  await phone.post(`${path}/scan`);
  const { digits } = (await desktop.get('/api/ticket')).json;
  await phone.post(`${path}/approve`, { digits });
  const refused = await desktop.post('/sign-in/code/redeem');
  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({ ticket: { url: ticket.url }, sessionLimit: { by: 'ticket' } });
  const { sessions } = refused.json.sessionLimit;
  expect(sessions).toHaveLength(MAX_SESSIONS);
  const chosen = { end_session_id: sessions[0].sessionId, next: '/password' };
  const signedIn = await desktop.post('/sign-in/code/redeem', chosen);
  expect(signedIn.headers.get('location')).toBe('/password');
});

test('the code stays while too many tabs watch it to say its state', async () => {
  await desktop.get('/sign-in', somewhere());
  const tabs = await Promise.all(
    Array.from({ length: 5 }, () => EventSourceOf.open(desktop, '/sign-in/code/events')),
  );
  await eventually(() => tabs.filter(({ events }) => events.length > 0).length === tabs.length);
  const before = desktop.jar.get('lk_ticket');
  expect((await desktop.get('/sign-in', somewhere())).status).toBe(200);
  expect(desktop.jar.get('lk_ticket')).toBe(before);
  for (const tab of tabs) tab.close();
});

test('the code stays if no new one is made, because its address made too many', async () => {
  const here = somewhere();
  const first = await desktop.get('/sign-in', here);
  const before = desktop.jar.get('lk_ticket');
  for (let made = 1; made < 4; made += 1) await new Browser(origin).get('/sign-in', here);
  const refused = await desktop.post('/sign-in/code', {}, here);
  expect(refused.status).toBe(429);
  expect(refused.json.ticket.url).toBe(first.json.ticket.url);
  expect(desktop.jar.get('lk_ticket')).toBe(before);
});

test('a code has as many streams as the service allows watches', async () => {
  await desktop.get('/sign-in', somewhere());
  const tabs = [];
  for (let opened = 0; opened < 6; opened += 1) {
    tabs.push(await EventSourceOf.open(desktop, '/sign-in/code/events'));
  }
  expect(tabs.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
  for (const tab of tabs) tab.close();
});

test.each([
  ['an image', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' }],
  ['a script', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'empty' }],
])('a page of another site makes no codes with %s', async (_what, headers) => {
  const here = somewhere();
  for (let loaded = 0; loaded < 5; loaded += 1) {
    const answer = await new Browser(origin).get('/sign-in', { ...here, ...headers });
    expect(answer.json.ticket).toBeUndefined();
  }
  const looked = await desktop.get('/sign-in', { ...here, 'sec-fetch-dest': 'document' });
  expect(looked.json.ticket).toMatchObject({ state: 'PENDING' });
});
