import { ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect } from '../../src/client/index.ts';
import { withPort } from '../../src/client/transport/address.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

/** As plain JavaScript calls it. */
const untyped = connect as (address: unknown, options?: unknown) => unknown;

describe('connect refuses', () => {
  test.each([
    ['an address with a scheme of HTTP', 'http://127.0.0.1:50051', {}, 'without http://'],
    ['no address', '', {}, 'host:port'],
    ['no addresses', [], {}, '127.0.0.1:50051'],
    ['an address that was not configured', undefined, {}, 'the address is undefined'],
    ['an address that is an object', { host: 'a' }, {}, 'the address is [object Object]'],
    ['a port that there cannot be', 'a:99999', {}, 'the port of a:99999 must be a number from 1 to 65535'],
    ['a port that is no number', 'a:grpc', {}, 'the port of a:grpc must be a number'],
    ['a port that is left out after its colon', 'dns:///a:', {}, 'the port of dns:///a: must be a number'],
    ['options that are none', 'a:1', null, 'the options are null'],
    ['an option that there is not', 'a:1', { maxStaleness: 1 }, 'maxStalenessMs'],
    ['a mode that there is not', 'a:1', { mode: 'lokal' }, 'must be local or remote'],
    ['credentials that there are not', 'a:1', { credentials: { kind: 'plain' } }, 'plaintext, tls or mtls'],
    ['a bound that the service cannot keep', 'a:1', { maxStalenessMs: 499 }, 'at least 500'],
    ['a time that is none', 'a:1', { timeoutMs: Number.NaN }, 'timeoutMs is NaN'],
    ['a size that is none', 'a:1', { tokenCacheSize: Number.NaN }, 'tokenCacheSize is NaN'],
    ['a token that was not configured', 'a:1', { token: undefined }, 'token is undefined'],
    ['an empty token', 'a:1', { token: '' }, 'token is empty'],
    ['a token with a line break', 'a:1', { token: 'eyJ.a.b\n' }, 'token is a string with a character that'],
    ['tokens in an object', 'a:1', { token: {} }, 'token is an object'],
    ['no token', 'a:1', { token: null }, 'token is null'],
  ])('%s', (_what, address, options, message) => {
    expect(() => untyped(address, options)).toThrow(TypeError);
    expect(() => untyped(address, options)).toThrow(message);
  });
});

test('connect treats an undefined option as omitted', async () => {
  const options: Required<{ readonly [Name in Exclude<keyof ConnectOptions, 'token'>]: undefined }> = {
    ...{ credentials: undefined, mode: undefined, maxStalenessMs: undefined, audience: undefined },
    ...{ tokenCacheSize: undefined, serviceAccount: undefined, timeoutMs: undefined, clock: undefined },
  };
  const client = connect('127.0.0.1:1', options);
  expect(client.mode).toBe('local');
  await client.close();
});

test('a token function that returns a promise fails the call with an explanation', async () => {
  const fake = await FakeLatchkey.start(ServerCredentials.createInsecure());
  const token = (async () => 'lkr_x') as unknown as () => string;
  const client = connect(fake.address, { credentials: { kind: 'plaintext' }, token });
  await expect(client.login(ADMIN)).rejects.toThrow('The function in the option token returned an object');
  expect(fake.calls).toStrictEqual([]);
  await client.close();
  fake.close();
});

describe('an address', () => {
  test.each([
    ['identity.internal', 'identity.internal:50051'],
    ['127.0.0.1', '127.0.0.1:50051'],
    ['[::1]', '[::1]:50051'],
    ['::1', '[::1]:50051'],
    ['dns:///identity.internal', 'dns:///identity.internal:50051'],
    ['dns:identity.internal', 'dns:identity.internal:50051'],
    ['dns://10.0.0.1/identity.internal', 'dns://10.0.0.1/identity.internal:50051'],
    ['ipv4:10.0.0.1,10.0.0.2:1', 'ipv4:10.0.0.1:50051,10.0.0.2:1'],
    ['ipv6:[::1]', 'ipv6:[::1]:50051'],
  ])('without a port (%s) means port 50051', (given, meant) => {
    expect(withPort(given)).toBe(meant);
  });

  test.each([
    'identity.internal:443',
    '[::1]:443',
    'dns:///identity.internal:443',
    'unix:/run/latchkey.sock',
    'unix:latchkey.sock',
    'unix:///run/latchkey.sock',
    'xds:///identity',
  ])('with a port, or without a place for one, is not changed (%s)', (given) => {
    expect(withPort(given)).toBe(given);
  });
});
