import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { type Credentials, connect } from '../../src/client/index.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

const authority = makeCertificate('Test CA');
const own = makeCertificate('billing', authority);
const other = makeCertificate('other', authority);
const [ca, cert, key] = [authority.certificate, own.certificate, own.privateKey];
const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const opened = (credentials: unknown) =>
  connect('127.0.0.1:1', { credentials: credentials as Credentials }).close();

test.each([
  ['mtls without a certificate', { kind: 'mtls', ca }, 'credentials.cert is missing'],
  ['mtls without a key', { kind: 'mtls', cert }, 'credentials.key is missing'],
  ['a key of another certificate', { kind: 'mtls', cert, key: other.privateKey }, 'not the key of'],
  ['a certificate as key', { kind: 'mtls', cert, key: cert }, 'credentials.key is not a private key'],
  ['a key as certificate', { kind: 'mtls', cert: key, key }, 'credentials.cert is not a certificate'],
  ['an encrypted key', { kind: 'mtls', cert, key: encrypted.privateKey }, 'without a passphrase'],
  ['garbage', { kind: 'tls', ca: Buffer.from('garbage') }, 'credentials.ca is not a certificate in PEM form'],
  ['a broken certificate', { kind: 'tls', ca: ca + broken }, 'credentials.ca is not a certificate'],
  ['an empty file', { kind: 'tls', ca: '' }, 'credentials.ca is not a certificate in PEM form'],
  ['a path', { kind: 'tls', ca: '/etc/ssl/ca.pem' }, 'the content of the file, not its path'],
  ['a path in a Buffer', { kind: 'mtls', cert, key: Buffer.from('key.pem') }, 'not its path'],
  ['no PEM at all', { kind: 'tls', ca: { file: 'ca.pem' } }, 'credentials.ca is an object'],
  ['no credentials', null, 'credentials is null'],
  ['a kind alone', 'plaintext', 'credentials is a string'],
  ['a certificate where none is shown', { kind: 'tls', cert, key }, 'tls has no cert; it takes ca'],
  ['an authority for plaintext', { kind: 'plaintext', ca }, 'plaintext has no ca; it takes nothing'],
])('connect refuses %s', (_what, credentials, message) => {
  expect(() => opened(credentials)).toThrow(TypeError);
  expect(() => opened(credentials)).toThrow(message);
  // The message must not contain OpenSSL's text or the key.
  expect(() => opened(credentials)).not.toThrow(/error:|routines|PRIVATE KEY/);
});

describe('certificates and keys', () => {
  test.each([
    ['strings', (pem: string) => pem],
    ['Buffers', (pem: string) => Buffer.from(pem)],
  ])('may be %s, with text around them', async (_what, as) => {
    const server = makeCertificate('localhost', authority);
    const pair = { private_key: Buffer.from(server.privateKey), cert_chain: Buffer.from(server.certificate) };
    const fake = await FakeLatchkey.start(ServerCredentials.createSsl(Buffer.from(ca), [pair], true));
    const credentials = {
      kind: 'mtls',
      ca: as(`\uFEFFSome root\n${other.certificate}\nThe root\n${ca}`),
      cert: as(`\uFEFF${cert}${other.certificate}`),
      key: as(key),
    } as const;
    const client = connect(fake.address, { credentials });
    expect((await client.login(ADMIN)).tokens).toBeDefined();
    await client.close();
    fake.close();
  });
});

test.each<[string, (key: string) => unknown]>([
  ['in a list', (key) => ({ kind: 'mtls', ca: '', cert: '', key: [key] })],
  ['in bytes', (key) => ({ kind: 'mtls', cert: new TextEncoder().encode(key), key: '' })],
  ['alone', (key) => key],
  ['as the kind', (key) => ({ kind: key })],
  ['as the name of a field', (key) => ({ kind: 'tls', [key]: true })],
])('connect does not show a key that is given %s', (_, credentials) => {
  const key = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPsecret\n-----END PRIVATE KEY-----\n';
  let thrown: unknown;
  try {
    connect('127.0.0.1:1', { credentials: credentials(key) as never });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TypeError);
  expect(inspect(thrown)).not.toContain('secret');
  expect(inspect(thrown)).not.toContain(String([...new TextEncoder().encode(key)].slice(0, 12)));
});
