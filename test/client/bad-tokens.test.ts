import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { claimsAt, ISSUER, TestKey } from '../support/test-keys.ts';
import { twinOf } from '../support/twin-signature.ts';
import { ValidatingServer } from '../support/validating-server.ts';

let key: TestKey;
let ecKey: TestKey;
let otherKey: TestKey;
let privateKey: KeyObject;
let server: ValidatingServer;
let clients: readonly LatchkeyClient[];
let sessionId: string;
let goodToken: string;

const base64url = (text: string | Buffer) => Buffer.from(text).toString('base64url');
const HEADER = { alg: 'EdDSA', kid: 'key-1', typ: 'at+jwt' };

/** Signed with the service's own key, for any header and payload. */
function signed(header: string, payload: string | Buffer): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

function claims(given: Record<string, unknown> = {}): Record<string, unknown> {
  return claimsAt(server.world.clock.now(), { sid: sessionId, ...given });
}

const withHeader = (given: Record<string, unknown>) =>
  signed(JSON.stringify({ ...HEADER, ...given }), JSON.stringify(claims()));
const withClaims = (given: Record<string, unknown>) =>
  signed(JSON.stringify(HEADER), JSON.stringify(claims(given)));
const unsigned = (header: object, signature = 'AAAA') =>
  `${base64url(JSON.stringify({ ...HEADER, ...header }))}.${base64url(JSON.stringify(claims()))}.${signature}`;

function hmacWith(secret: string | Buffer): string {
  const input = unsigned({ alg: 'HS256' }, '').slice(0, -1);
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** The valid token with its three parts changed. */
const changed = (change: (header: string, payload: string, signature: string) => string) => () => {
  const [header = '', payload = '', signature = ''] = goodToken.split('.');
  return change(header, payload, signature);
};

/** The same bytes in another spelling: the last character has unused bits. */
function looseBits(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return signature.slice(0, -1) + alphabet.charAt(alphabet.indexOf(signature.at(-1) ?? '') + 1);
}

/** The order of EdDSA's group: s and s + order are equal in it. */
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The same token with a greater s. An EdDSA signature starts with the low byte. */
function largerBy(order: bigint, [header, payload, signature = '']: readonly string[]): string {
  const bytes = Buffer.from(signature, 'base64url');
  const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
  Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(bytes, 32);
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}

beforeAll(async () => {
  key = await TestKey.make('key-1');
  ecKey = await TestKey.make('key-ec', 'ES256');
  otherKey = await TestKey.make('key-1');
  privateKey = createPrivateKey({ key: (await key.toJwk()) as never, format: 'jwk' });
  server = await ValidatingServer.start(key, [ecKey]);
  const { world } = server;
  const { session, tokens } = await world.open(world.addUser());
  sessionId = session.sessionId;
  goodToken = tokens.accessToken;
  // The clock stands still and the deadlines of calls do not: the timeout is that of the whole file.
  const options = { credentials: { kind: 'plaintext' }, clock: world.clock, timeoutMs: 120_000 } as const;
  clients = [connect(server.address, options), connect(server.address, { ...options, mode: 'remote' })];
  for (const client of clients) await client.ready();
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await server.close();
});

type Case = readonly [what: string, token: () => string | Promise<string>];

const CASES: Readonly<Record<string, readonly Case[]>> = {
  MALFORMED: [
    ['nothing', () => ''],
    ['dots', () => '..'],
    ['one word', () => 'token'],
    ['two parts', changed((header, payload) => `${header}.${payload}`)],
    ['an empty signature', changed((header, payload) => `${header}.${payload}.`)],
    ['an empty header', changed((_, payload, signature) => `.${payload}.${signature}`)],
    ['four parts', changed((...parts) => `${parts.join('.')}.AAAA`)],
    ['five parts, as an encrypted one has', changed((...parts) => `${parts.join('.')}.AAAA.AAAA`)],
    ['padding', changed((...parts) => `${parts.join('.')}==`)],
    ['padding inside', changed((header, payload, signature) => `${header}=.${payload}.${signature}`)],
    ['a space before', () => ` ${goodToken}`],
    ['a space inside', changed((header, payload, signature) => `${header}. ${payload}.${signature}`)],
    ['a line break behind', () => `${goodToken}\n`],
    ['the scheme before', () => `Bearer ${goodToken}`],
    [
      'loose trailing bits',
      changed((header, payload, signature) => `${header}.${payload}.${looseBits(signature)}`),
    ],
    ['the alphabet of base64', () => goodToken.replace('.', '.+/')],
    ['a NUL', () => `${goodToken}\u0000`],
    ['letters that look alike', () => goodToken.replace('e', '\u0435')],
    ['an emoji', () => `${goodToken}\u{1F511}`],
    ['half of an emoji', () => `${goodToken}\uD83D`],
    ['8,193 characters', () => goodToken.padEnd(8_193, 'A')],
    ['a million characters', () => 'A'.repeat(1_000_000)],
    ['a megabyte of claims, well signed', () => withClaims({ padding: 'x'.repeat(1_000_000) })],
    ['no kid', () => withHeader({ kid: undefined })],
    ['a kid that is a list', () => withHeader({ kid: ['key-1'] })],
    ['no alg', () => withHeader({ alg: undefined })],
    ['no typ', () => withHeader({ typ: undefined })],
    ['the typ of any JWT', () => withHeader({ typ: 'JWT' })],
    ['the typ of an id token', () => withHeader({ typ: 'id+jwt' })],
    ['a header that is a list', () => signed('[]', JSON.stringify(claims()))],
    ['a header that is no JSON', () => signed('{alg:EdDSA}', JSON.stringify(claims()))],
    ['claims that are a list', () => signed(JSON.stringify(HEADER), JSON.stringify([claims()]))],
    ['claims that are null', () => signed(JSON.stringify(HEADER), 'null')],
    ['claims that are no UTF-8', () => signed(JSON.stringify(HEADER), Buffer.from([0x7b, 0xff, 0x7d]))],
    [
      'claims behind a byte order mark',
      () => signed(JSON.stringify(HEADER), `\uFEFF${JSON.stringify(claims())}`),
    ],
    ['a token for claims', () => signed(JSON.stringify({ ...HEADER, cty: 'JWT' }), goodToken)],
    ['claims that are not encoded', () => withHeader({ b64: false, crit: ['b64'] })],
    ['a sid that is no UUID', () => withClaims({ sid: 'session' })],
    ['a sid of another version', () => withClaims({ sid: '019b7600-0000-4000-8000-00000000bbbb' })],
    ['a sid in capitals', () => withClaims({ sid: sessionId.toUpperCase() })],
    ['a sid that is a list', () => withClaims({ sid: [sessionId] })],
    ['a sub that is a list', () => withClaims({ sub: ['01900000-0000-7000-8000-00000000aaaa'] })],
    ['an issuer that is a list', () => withClaims({ iss: [ISSUER] })],
    ['an audience that is a number', () => withClaims({ aud: 7 })],
    ['roles that are one text', () => withClaims({ roles: 'admin' })],
    ['a role that is a list', () => withClaims({ roles: [['admin']] })],
    ['an exp that is text', () => withClaims({ exp: '9999999999' })],
    ['an exp beyond all time', () => withClaims({ exp: 1e300 })],
    ['no exp', () => withClaims({ exp: undefined })],
    ['an iat with a fraction', () => withClaims({ iat: 1.5 })],
    ['a negative iat', () => withClaims({ iat: -1 })],
    ['no jti', () => withClaims({ jti: undefined })],
  ],
  SIGNATURE: [
    ['alg none', () => unsigned({ alg: 'none' })],
    ['alg None', () => unsigned({ alg: 'None' })],
    ['no alg in the end', () => unsigned({ alg: '' })],
    [
      'an HMAC with the public key for a secret',
      () => hmacWith(Buffer.from(key.publicJwk.x ?? '', 'base64url')),
    ],
    ['an HMAC with the public JWK for a secret', () => hmacWith(JSON.stringify(key.publicJwk))],
    ['the alg of another key', () => withHeader({ alg: 'ES256' })],
    ["another published key's id", () => withHeader({ kid: 'key-ec' })],
    ["another published key under this one's id", () => ecKey.sign(claims(), { kid: 'key-1' })],
    ["another key with this key's id", () => otherKey.sign(claims())],
    ["another key in the token's header", () => otherKey.sign(claims(), { jwk: otherKey.publicJwk })],
    ['a link to another key', () => otherKey.sign(claims(), { jku: 'https://evil.test/jwks' })],
    ['a link to another certificate', () => otherKey.sign(claims(), { x5u: 'https://evil.test/x' })],
    ['an extension that must be understood', () => withHeader({ crit: ['exp'], exp: 1 })],
    [
      'other claims',
      changed((header, _, signature) => `${header}.${base64url(JSON.stringify(claims()))}.${signature}`),
    ],
    ['a shorter signature', changed((header, payload) => `${header}.${payload}.AAAA`)],
    ['the twin of an ES256 signature', async () => twinOf(await ecKey.sign(claims()))],
    ['the twin of an EdDSA signature', changed((...parts) => largerBy(ED25519_ORDER, parts))],
  ],
  UNKNOWN_KEY: [
    ['a key id that is not published', () => withHeader({ kid: 'key-2' })],
    ['a key id that is a path', () => withHeader({ kid: '../../dev/null' })],
    ['a key id that is every object’s', () => withHeader({ kid: '__proto__' })],
    ['an empty key id', () => withHeader({ kid: '' })],
  ],
  ISSUER: [
    ['another issuer', () => withClaims({ iss: 'https://evil.test' })],
    ['nearly the issuer', () => withClaims({ iss: `${ISSUER}/` })],
  ],
  AUDIENCE: [
    ['another audience', () => withClaims({ aud: 'elsewhere' })],
    ['no audience', () => withClaims({ aud: [] })],
    [
      'an audience named twice, the last time another',
      () => signed(JSON.stringify(HEADER), JSON.stringify(claims()).replace(/}$/, ',"aud":"elsewhere"}')),
    ],
  ],
  EXPIRED: [
    ['an exp that is past', () => withClaims({ exp: 1 })],
    ['an exp that is now', () => withClaims({ exp: Math.floor(server.world.clock.now() / 1_000) })],
    [
      'an exp named twice, the last time past',
      () => signed(JSON.stringify(HEADER), JSON.stringify(claims()).replace(/}$/, ',"exp":1}')),
    ],
    ['an iat longer ago than a token lives', () => withClaims({ iat: 1, exp: 9_999_999_999 })],
  ],
  NOT_YET_VALID: [
    ['an iat in the future', () => withClaims({ iat: Math.floor(server.world.clock.now() / 1_000) + 60 })],
  ],
};

describe.each(Object.entries(CASES))('a token is %s in the service and in both modes', (reason, cases) => {
  test.each(cases)('with %s', async (_, token) => {
    const made = await token();
    const { verdict } = await server.world.tokens.validate(made, { consistency: 'BOUNDED' });
    const nextStep = reason === 'EXPIRED' ? 'REFRESH' : 'LOGIN';
    expect(verdict).toMatchObject({ kind: 'rejected', reason, nextStep });
    for (const client of clients) {
      const { asOf, revision, ...said } = await client.validate(made);
      expect(said).toStrictEqual({ kind: 'rejected', reason, endReason: undefined, nextStep });
      // A second time, to include cached results.
      expect(await client.validate(made)).toMatchObject(said);
    }
  });
});

test('no invalid token was sent to the service in local mode', async () => {
  const asked = () => server.calls.filter((call) => call.startsWith('BatchValidate')).length;
  const [local] = clients;
  const before = asked();
  for (const [, token] of Object.values(CASES).flat()) await local?.validate(await token());
  expect(asked()).toBe(before);
});

test('the token that the invalid ones were made from is valid', async () => {
  for (const client of clients) expect(await client.validate(goodToken)).toMatchObject({ kind: 'accepted' });
});
