import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OAuthProvider, type OAuthProviderOptions } from '../../src/adapters/oidc/oauth-provider.ts';
import { flowProof } from '../../src/core/sign-in/external-flow.ts';
import { newRandomId, newRandomSecret } from '../../src/core/sign-in/random-secrets.ts';
import { failureOf } from '../support/failing.ts';
import { ForgingIssuer } from '../support/forging-issuer.ts';
import { OidcServer } from '../support/oidc-server.ts';

const REDIRECT_URI = 'https://login.example.com/external/hub/callback';

let server: OidcServer;
let hub: ForgingIssuer;

beforeAll(async () => {
  server = await OidcServer.start(REDIRECT_URI);
  hub = await ForgingIssuer.start();
});

afterAll(async () => {
  await server.stop();
  await hub.stop();
});

beforeEach(() => {
  server.account = 'ada';
  server.claims = { name: 'Ada' };
});

const aProof = () => flowProof(newRandomId(), newRandomSecret());

/** At a real provider, whose user endpoint is the one of OpenID Connect. */
const provider = (given: Partial<OAuthProviderOptions> = {}) =>
  new OAuthProvider({
    authorizationEndpoint: `${server.issuer}/auth`,
    tokenEndpoint: `${server.issuer}/token`,
    userEndpoint: `${server.issuer}/me`,
    ...{ subjectField: 'sub', clientId: server.clientId, clientSecret: server.clientSecret },
    ...{ redirectUri: REDIRECT_URI, scopes: ['openid', 'profile'], timeoutMs: 2_000 },
    ...given,
  });

/** At a stand-in that answers like well-known providers of plain OAuth 2. */
const identifyAtHub = (user: object, given: Partial<OAuthProviderOptions> = {}, more: object = {}) => {
  hub.user = user;
  const proof = aProof();
  const at = provider({
    ...given,
    authorizationEndpoint: `${hub.issuer}/authorize`,
    tokenEndpoint: `${hub.issuer}/access_token`,
    ...{ userEndpoint: `${hub.issuer}/user`, subjectField: 'id' },
  });
  return at.identify(new URLSearchParams({ code: 'any', state: proof.state, ...more }), proof);
};

test('a person is sent to the provider with state and PKCE, and identified by its user endpoint', async () => {
  const [at, proof] = [provider(), aProof()];
  const url = await at.authorizationUrl(proof);
  const query = Object.fromEntries(new URL(url).searchParams);
  expect(query).toMatchObject({
    redirect_uri: REDIRECT_URI,
    state: proof.state,
    code_challenge_method: 'S256',
  });
  const account = await at.identify(new URLSearchParams(await server.visit(url)), proof);
  expect(account).toEqual({ subject: 'ada', displayName: 'Ada', methods: [] });
});

test('a number identifies a person too', async () => {
  const account = await identifyAtHub({ id: 583231, login: 'octocat', name: null });
  expect(account).toEqual({ subject: '583231', displayName: 'octocat', methods: [] });
});

test('an issuer with a path is accepted as configured, and no other one', async () => {
  const issuer = `${hub.issuer}/login/oauth`;
  const user = { id: 583231 };
  expect(await identifyAtHub(user, { issuer }, { iss: issuer })).toMatchObject({ subject: '583231' });
  expect(await identifyAtHub(user, { issuer })).toMatchObject({ subject: '583231' });
  for (const iss of [hub.issuer, `${issuer}/`, 'https://evil.example']) {
    const failure = await failureOf(identifyAtHub(user, { issuer }, { iss }));
    expect(failure.reason).toBe('PROVIDER_ANSWER_INVALID');
  }
});

test.each([{}, { id: null }, { id: 1.5 }, { id: '' }, { id: 2 ** 60 }, []])(
  'the user %j is refused',
  async (user) => {
    expect((await failureOf(identifyAtHub(user))).reason).toBe('PROVIDER_ANSWER_INVALID');
  },
);

describe('an attack fails:', () => {
  test('another state, another browser, a code that was used before', async () => {
    const [at, proof] = [provider(), aProof()];
    const answer = new URLSearchParams(await server.visit(await at.authorizationUrl(proof)));
    const otherState = { ...proof, state: newRandomId() };
    expect((await failureOf(at.identify(answer, otherState))).reason).toBe('PROVIDER_ANSWER_INVALID');
    await at.identify(answer, proof);
    const replayed = { reason: 'PROVIDER_REFUSED', metadata: { error: 'invalid_grant' } };
    expect(await failureOf(at.identify(answer, proof))).toMatchObject(replayed);
    const stolen = new URLSearchParams(await server.visit(await at.authorizationUrl(proof)));
    const otherBrowser = { ...aProof(), state: proof.state };
    expect(await failureOf(at.identify(stolen, otherBrowser))).toMatchObject(replayed);
  });

  test('a person who refuses, and a provider that refuses us', async () => {
    const [at, proof] = [provider(), aProof()];
    server.account = undefined;
    const denied = new URLSearchParams(await server.visit(await at.authorizationUrl(proof)));
    expect(await failureOf(at.identify(denied, proof))).toMatchObject({
      metadata: { error: 'access_denied' },
    });
    server.account = 'ada';
    const wrong = provider({ userEndpoint: `${server.issuer}/nowhere` });
    const answer = new URLSearchParams(await server.visit(await wrong.authorizationUrl(proof)));
    expect((await failureOf(wrong.identify(answer, proof))).reason).toBe('PROVIDER_UNAVAILABLE');
  });
});
