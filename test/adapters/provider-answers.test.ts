import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OAuthProvider } from '../../src/adapters/oidc/oauth-provider.ts';
import { OidcProvider } from '../../src/adapters/oidc/oidc-provider.ts';
import { flowProof } from '../../src/core/sign-in/external-flow.ts';
import { newRandomId, newRandomSecret } from '../../src/core/sign-in/random-secrets.ts';
import { failureOf } from '../support/failing.ts';

const CHUNK = 'x'.repeat(65_536);
const MAX_BYTES = 100_000_000;

let server: Server;
let origin: string;
/** The path that answers without an end. */
let endless: string;
let bytes: number;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (url !== endless) {
      response.end('{"access_token":"AT","token_type":"bearer"}');
      return;
    }
    response.write('{"x":"');
    const write = () => {
      while (bytes < MAX_BYTES && !response.destroyed) {
        bytes += CHUNK.length;
        if (!response.write(CHUNK)) return void response.once('drain', write);
      }
      response.end('"}');
    };
    write();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const CLOCK = { monotonic: () => performance.now() };
const COMMON = {
  ...{ clientId: 'latchkey', clientSecret: 'secret', redirectUri: 'https://login.example.com/callback' },
  ...{ scopes: ['openid'], timeoutMs: 10_000 },
};

test.each([
  ['metadata', '/.well-known/openid-configuration'],
  ['token', '/token'],
  ['account', '/user'],
])('a provider whose %s has no end is unavailable, and fills no memory', async (what, path) => {
  [endless, bytes] = [path, 0];
  const provider =
    what === 'metadata'
      ? new OidcProvider({ ...COMMON, issuer: origin, clock: CLOCK })
      : new OAuthProvider({
          ...COMMON,
          authorizationEndpoint: `${origin}/authorize`,
          tokenEndpoint: `${origin}/token`,
          ...{ userEndpoint: `${origin}/user`, subjectField: 'id' },
        });
  const proof = flowProof(newRandomId(), newRandomSecret());
  const answer = new URLSearchParams({ code: 'any', state: proof.state });
  expect((await failureOf(provider.identify(answer, proof))).reason).toBe('PROVIDER_UNAVAILABLE');
  expect(bytes).toBeLessThan(MAX_BYTES);
});
