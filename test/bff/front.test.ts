import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '../../src/client/index.ts';
import { BffSite, PASSWORD } from './support/bff-site.ts';
import { Browser } from './support/browser.ts';

const ACCOUNT = {
  LATCHKEY_BFF_SERVICE_USERNAME: 'bff',
  LATCHKEY_BFF_SERVICE_PASSWORD: 'a front of its own',
};

let site: BffSite;

beforeAll(async () => {
  site = await BffSite.open({ LATCHKEY_FRONT_AUTH: 'token', LATCHKEY_CALLER_AUTH: 'token' });
  const client = connect(site.service.address, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
  const user = {
    username: 'bff',
    credential: { $case: 'password', value: ACCOUNT.LATCHKEY_BFF_SERVICE_PASSWORD } as const,
    roles: ['front', 'service'],
  };
  await client.users.createUser(user, { token: tokens.accessToken });
  await client.close();
});

afterAll(() => site.close());

async function addressOfSession(browser: Browser): Promise<string> {
  const { sessions } = (await browser.get('/devices')).json;
  return sessions.find(({ isCurrent }: { isCurrent: boolean }) => isCurrent).ipAddress;
}

/** Signs in through proxies that state this. */
async function signedIn(bff: { readonly origin: string }, forwarded: string): Promise<Browser> {
  const browser = new Browser(bff.origin);
  const fields = { username: 'admin', password: PASSWORD };
  const answer = await browser.post('/sign-in', fields, { 'x-forwarded-for': forwarded });
  expect(answer.status).toBe(303);
  return browser;
}

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
  ['6.6.6.6, 203.0.113.9, 127.0.0.2', '203.0.113.9'],
  ['2001:db8::7', '2001:db8::7'],
])('behind trusted proxies, X-Forwarded-For %j is the address %s', async (forwarded, address) => {
  const bff = await site.bff({ ...ACCOUNT, LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.0/8' });
  expect(await addressOfSession(await signedIn(bff, forwarded))).toBe(address);
});

test('without trusted proxies, nobody can state an address', async () => {
  const bff = await site.bff(ACCOUNT);
  expect(await addressOfSession(await signedIn(bff, '203.0.113.9'))).toBe('127.0.0.1');
});

test('a proxy that states no address costs no sign-in', async () => {
  const bff = await site.bff({ ...ACCOUNT, LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.0/8' });
  expect(await addressOfSession(await signedIn(bff, 'unknown'))).toBe('127.0.0.1');
});

test('the account of the BFF is not that of the person: its wrong password is 503, not a wrong password', async () => {
  const { origin } = await site.bff({ ...ACCOUNT, LATCHKEY_BFF_SERVICE_PASSWORD: 'another one' });
  const answer = await new Browser(origin).signIn('admin', PASSWORD);
  expect(answer.status).toBe(503);
  expect(answer.json).toMatchObject({ name: 'message', code: 'service-unavailable' });
});
