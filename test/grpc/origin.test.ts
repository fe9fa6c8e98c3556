import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { LoginRequest } from '../../src/gen/latchkey/v1/identity.ts';
import type { FrontAuth } from '../../src/grpc/interceptors/caller-auth.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const login = (ipAddress: string): LoginRequest => ({
  ...{ username: 'ada', password: 'right', clientId: 'web', device: undefined, labels: {}, endSessionId: '' },
  origin: { ipAddress },
  deviceToken: '',
});
const refresh = (ipAddress: string) => ({ refreshToken: 'lkr_x', clientId: 'web', origin: { ipAddress } });
const as = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });

let running: RunningServer;
afterEach(() => running.close());

async function start(frontAuth: FrontAuth) {
  const { core, asked } = fakeCore();
  running = await startIdentityServer(core, { frontAuth });
  return { client: running.client, asked };
}

describe('an origin', () => {
  test("of a front is the user's address, for the session and for the password queue", async () => {
    const { client, asked } = await start('token');
    expect(await call(client, client.login, login('2001:DB8:0:0::7'), as('front'))).toHaveProperty('ok');
    expect(await call(client, client.refresh, refresh('203.0.113.7'), as('front'))).toHaveProperty('ok');
    expect(asked).toContainEqual(
      expect.objectContaining({
        ipAddress: '2001:db8::7',
        network: '2001:db8:0:0::/64',
        source: expect.objectContaining({ address: '2001:db8:0:0::/64' }),
      }),
    );
  });

  test.each([
    ['an IPv4 address within IPv6 is IPv4', '::ffff:192.0.2.1', '192.0.2.1'],
    ['so it is in hexadecimal digits', '::FFFF:C000:201', '192.0.2.1'],
    ['an IPv4 address stays as it is', '198.51.100.23', '198.51.100.23'],
  ])('has one canonical form: %s', async (_, stated, known) => {
    const { client, asked } = await start('token');
    await call(client, client.login, login(stated), as('front'));
    expect(asked).toContainEqual(expect.objectContaining({ ipAddress: known }));
  });

  test.each<[string, FrontAuth, string | undefined, number, string]>([
    ['any caller, without configured fronts', 'none', 'front', status.PERMISSION_DENIED, 'CALLER_FORBIDDEN'],
    ['a caller without a token', 'token', undefined, status.UNAUTHENTICATED, 'CALLER_UNAUTHENTICATED'],
    ['a caller with a bad token', 'token', 'nobody', status.UNAUTHENTICATED, 'CALLER_UNAUTHENTICATED'],
    ['a service that is no front', 'token', 'service', status.PERMISSION_DENIED, 'CALLER_FORBIDDEN'],
    ['an administrator', 'token', 'admin', status.PERMISSION_DENIED, 'CALLER_FORBIDDEN'],
    ['a caller without a certificate', 'mtls', 'front', status.UNAUTHENTICATED, 'CALLER_UNAUTHENTICATED'],
  ])('is refused from %s, and nothing is done', async (_, frontAuth, token, code, reason) => {
    const { client, asked } = await start(frontAuth);
    const options = token === undefined ? {} : as(token);
    for (const outcome of [
      await call(client, client.login, login('203.0.113.7'), options),
      await call(client, client.refresh, refresh('203.0.113.7'), options),
    ]) {
      expect(outcome).toMatchObject({ code, reason });
    }
    expect(asked.filter((each) => !Object.hasOwn(each as object, 'consistency'))).toEqual([]);
  });

  test.each([
    '',
    'localhost',
    '203.0.113.7:443',
    '[::1]',
    'fe80::1%eth0',
    '1.2.3',
    `${'0'.repeat(40)}::1`,
    '1'.repeat(500),
  ])('is refused as an invalid field if it is no address: %j', async (ipAddress) => {
    const { client } = await start('token');
    for (const outcome of [
      await call(client, client.login, login(ipAddress), as('front')),
      await call(client, client.refresh, refresh(ipAddress), as('front')),
    ]) {
      expect(outcome).toMatchObject({ reason: 'INVALID_FIELD', fields: ['origin.ip_address'] });
    }
  });

  test('is never required', async () => {
    const { client, asked } = await start('token');
    expect(await call(client, client.login, { ...login(''), origin: undefined })).toHaveProperty('ok');
    expect(asked).toEqual([expect.objectContaining({ ipAddress: '127.0.0.1' })]);
  });

  test('that is private is limited like any other, but not the private address of a caller', async () => {
    const { client, asked } = await start('token');
    await call(client, client.login, login('10.1.2.3'), as('front'));
    await call(client, client.login, { ...login(''), origin: undefined });
    const networks = asked.flatMap((each) => (each as { readonly network?: string }).network ?? []);
    expect(networks).toEqual(['10.1.2.3', '']);
  });
});
