import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OidcProvider, type OidcProviderOptions } from '../../src/adapters/oidc/oidc-provider.ts';
import { flowProof } from '../../src/core/sign-in/external-flow.ts';
import type { FlowProof } from '../../src/core/sign-in/identity-provider.ts';
import { newRandomId, newRandomSecret } from '../../src/core/sign-in/random-secrets.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { failureOf } from '../support/failing.ts';
import { type Forgery, ForgingIssuer } from '../support/forging-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { OidcServer } from '../support/oidc-server.ts';

const REDIRECT_URI = 'https://login.example.com/external/acme/callback';

let server: OidcServer;
let other: OidcServer;

beforeAll(async () => {
  server = await OidcServer.start(REDIRECT_URI);
  other = await OidcServer.start(REDIRECT_URI);
});

afterAll(async () => {
  await server.stop();
  await other.stop();
});

beforeEach(() => {
  server.account = 'ada';
  server.claims = {};
  server.methods = [];
});

afterEach(() => {
  server.hangs = false;
});

const provider = (given: Partial<OidcProviderOptions> = {}) =>
  new OidcProvider({
    ...{ issuer: server.issuer, clientId: server.clientId, clientSecret: server.clientSecret },
    ...{ redirectUri: REDIRECT_URI, scopes: ['openid', 'profile', 'email'], timeoutMs: 2_000 },
    clock: new ManualClock(),
    ...given,
  });
const aProof = (): FlowProof => flowProof(newRandomId(), newRandomSecret());

/** A browser that came back from the provider. */
async function answered(at: OidcProvider, proof: FlowProof, from = server): Promise<URLSearchParams> {
  return new URLSearchParams(await from.visit(await at.authorizationUrl(proof)));
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  return (await failureOf(work)).reason;
}

test('a person is sent to the provider with state, nonce and PKCE, and to no other redirect address', async () => {
  const proof = aProof();
  const url = new URL(await provider().authorizationUrl(proof));
  expect(url.origin).toBe(server.issuer);
  const query = Object.fromEntries(url.searchParams);
  expect(query).toMatchObject({
    ...{ client_id: 'latchkey', response_type: 'code', scope: 'openid profile email' },
    ...{ redirect_uri: REDIRECT_URI, state: proof.state, nonce: proof.nonce, code_challenge_method: 'S256' },
  });
  expect(url.href).not.toContain(proof.codeVerifier);
});

test('a person who comes back is identified by subject, with a name to show and the methods of RFC 8176', async () => {
  const [at, proof] = [provider(), aProof()];
  server.claims = { name: `Ada\u0007 ${'é'.repeat(60)}` };
  server.methods = ['pwd', 'magic', 'otp', 'pwd'];
  const account = await at.identify(await answered(at, proof), proof);
  expect(account).toMatchObject({ subject: 'ada', methods: ['pwd', 'otp'] });
  expect(account.displayName).toMatch(/^Ada {2}é+$/);
  expect(Buffer.byteLength(account.displayName)).toBeLessThanOrEqual(64);
});

test('methods are not invented, and an e-mail address is not used', async () => {
  const [at, proof] = [provider(), aProof()];
  server.claims = { email: 'ada@example.com', email_verified: true };
  expect(await at.identify(await answered(at, proof), proof)).toEqual({
    ...{ subject: 'ada', displayName: '', methods: [] },
  });
});

test('a person who refuses is told so', async () => {
  const [at, proof] = [provider(), aProof()];
  server.account = undefined;
  const failure = await failureOf(at.identify(await answered(at, proof), proof));
  expect(failure).toMatchObject({ reason: 'PROVIDER_REFUSED', metadata: { error: 'access_denied' } });
});

describe('an attack fails:', () => {
  test('an answer with the state of another flow', async () => {
    const [at, proof, victim] = [provider(), aProof(), aProof()];
    const answer = await answered(at, proof);
    expect(await reasonOf(at.identify(answer, { ...proof, state: victim.state }))).toBe(
      'PROVIDER_ANSWER_INVALID',
    );
    expect(await reasonOf(at.identify(answer, victim))).toBe('PROVIDER_ANSWER_INVALID');
  });

  test('a code of another flow, put into this one', async () => {
    const [at, attacker, victim] = [provider(), aProof(), aProof()];
    const answer = await answered(at, attacker);
    answer.set('state', victim.state);
    const failure = await failureOf(at.identify(answer, victim));
    expect(failure).toMatchObject({ reason: 'PROVIDER_REFUSED', metadata: { error: 'invalid_grant' } });
  });

  test('a code that is used a second time', async () => {
    const [at, proof] = [provider(), aProof()];
    const answer = await answered(at, proof);
    await at.identify(answer, proof);
    const failure = await failureOf(at.identify(answer, proof));
    expect(failure).toMatchObject({ reason: 'PROVIDER_REFUSED', metadata: { error: 'invalid_grant' } });
  });

  test('an answer of another issuer (RFC 9207), or without its issuer', async () => {
    const [at, proof] = [provider(), aProof()];
    const answer = await answered(at, proof);
    expect(answer.get('iss')).toBe(server.issuer);
    const requests = server.requests.length;
    answer.set('iss', other.issuer);
    expect(await reasonOf(at.identify(answer, proof))).toBe('PROVIDER_ANSWER_INVALID');
    answer.delete('iss');
    expect(await reasonOf(at.identify(answer, proof))).toBe('PROVIDER_ANSWER_INVALID');
    expect(server.requests).toHaveLength(requests);
  });

  test('a doubled code, state or issuer, or none', async () => {
    const [at, proof] = [provider(), aProof()];
    const answer = await answered(at, proof);
    for (const name of ['code', 'state', 'iss']) {
      const doubled = new URLSearchParams(answer);
      doubled.append(name, 'second');
      expect(await reasonOf(at.identify(doubled, proof))).toBe('PROVIDER_ANSWER_INVALID');
    }
    for (const query of ['', `state=${proof.state}`, `state=${proof.state}&iss=${server.issuer}`]) {
      expect(await reasonOf(at.identify(new URLSearchParams(query), proof))).toBe('PROVIDER_ANSWER_INVALID');
    }
  });

  test('metadata of another issuer', async () => {
    const at = provider({ issuer: `${server.issuer}/tenant` });
    expect(await reasonOf(at.authorizationUrl(aProof()))).toBe('PROVIDER_UNAVAILABLE');
  });
});

describe('an ID token is refused', () => {
  let forger: ForgingIssuer;

  beforeAll(async () => {
    forger = await ForgingIssuer.start();
  });

  afterAll(() => forger.stop());

  const identifyWith = async (forgery: Forgery) => {
    const [at, proof] = [provider({ issuer: forger.issuer }), aProof()];
    forger.nonce = proof.nonce;
    forger.forgery = forgery;
    return at.identify(new URLSearchParams({ code: 'any', state: proof.state }), proof);
  };

  test('but not if it is honest', async () => {
    expect(await identifyWith({})).toMatchObject({ subject: 'ada' });
  });

  test.each<[string, Forgery]>([
    ['signed by another key', { signature: 'stranger' }],
    ['not signed', { signature: 'none' }],
    ['for another client', { claims: { aud: 'somebody' } }],
    ['of another issuer', { claims: { iss: 'https://id.acme.example' } }],
    ['for another flow', { claims: { nonce: 'another' } }],
    ['without a nonce', { claims: { nonce: undefined } }],
    ['that has expired', { claims: { exp: 1_700_000_000 } }],
    ['without a subject', { claims: { sub: undefined } }],
    ['with an empty subject', { claims: { sub: '' } }],
    ['with a subject that is too long', { claims: { sub: 'x'.repeat(256) } }],
    ['with a subject that has a control character', { claims: { sub: 'ada\u0000' } }],
  ])('%s', async (_, forgery) => {
    expect(await reasonOf(identifyWith(forgery))).toBe('PROVIDER_ANSWER_INVALID');
  });
});

describe('a provider that cannot be used', () => {
  test('is asked again by the next call', async () => {
    server.hangs = true;
    const at = provider({ timeoutMs: 500 });
    expect(await reasonOf(at.authorizationUrl(aProof()))).toBe('PROVIDER_UNAVAILABLE');
    server.hangs = false;
    expect(await at.authorizationUrl(aProof())).toMatch(server.issuer);
  });

  test('gets no answer used after the time limit', async () => {
    const [at, proof] = [provider({ timeoutMs: 500 }), aProof()];
    const answer = await answered(at, proof);
    server.hangs = true;
    expect(await reasonOf(at.identify(answer, proof))).toBe('PROVIDER_UNAVAILABLE');
  });

  test('is not running', async () => {
    expect(await reasonOf(provider({ issuer: 'http://127.0.0.1:2' }).authorizationUrl(aProof()))).toBe(
      'PROVIDER_UNAVAILABLE',
    );
  });

  test('refuses our secret, and neither the error nor the log has it', async () => {
    const clientSecret = 'a-secret-that-is-wrong';
    const [at, proof] = [provider({ clientSecret }), aProof()];
    const failure = await failureOf(at.identify(await answered(at, proof), proof));
    expect(failure.reason).toBe('PROVIDER_UNAVAILABLE');
    const lines: string[] = [];
    createLogger('debug', { write: (line) => lines.push(line) }).warn({ err: failure }, 'refused');
    expect(lines.join()).toContain('WWW-Authenticate');
    for (const secret of [clientSecret, Buffer.from(clientSecret).toString('base64').slice(4, 20)]) {
      expect(lines.join()).not.toContain(secret);
    }
  });
});

test('metadata is read at the first use, once for concurrent calls, and again after an hour', async () => {
  const clock = new ManualClock();
  const at = provider({ clock });
  const reads = () => server.requests.filter((path) => path.endsWith('openid-configuration')).length;
  const before = reads();
  await Promise.all([at.authorizationUrl(aProof()), at.authorizationUrl(aProof())]);
  await at.authorizationUrl(aProof());
  expect(reads() - before).toBe(1);
  clock.advance(3_600_000);
  await at.authorizationUrl(aProof());
  expect(reads() - before).toBe(2);
});
