import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import {
  type BeginExternalLoginResponse,
  type CompleteExternalLoginRequest,
  ExternalLoginServiceClient,
} from '../../src/gen/latchkey/v1/external_login.ts';
import { externalLoginService } from '../../src/grpc/external-login-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { ExternalWorld } from '../support/external-world.ts';
import { testEnvironment } from './support/fakes.ts';
import { call, type Outcome } from './support/unary-call.ts';

const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const ORIGIN = { ipAddress: '203.0.113.9' };
const DEVICE = { deviceId: 'd-1', name: 'Firefox on Linux', platform: 'Linux' };

let external: ExternalWorld;
let server: GrpcServer;
let client: ExternalLoginServiceClient;
let session: OpenedSession;
const environment = testEnvironment();

beforeAll(async () => {
  external = await ExternalWorld.start();
  const users = external.world.directory;
  const core = {
    login: external.login,
    completion: external.completion,
    identities: external.identities,
    users,
  };
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [externalLoginService(core, { tokens: external.world.tokens, frontAuth: 'none' }, environment)],
    reflection: false,
    log: environment.log,
  });
  client = new ExternalLoginServiceClient(await server.listen(), credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
  await external.world.close();
});

beforeEach(async () => {
  session = await external.world.open(external.world.addUser({ passwordHash: 'set' }));
});

afterEach(() => expect(environment.log.at('error')).toEqual([]));

const bearer = () => ({ metadata: { authorization: `Bearer ${session.tokens.accessToken}` } });
const begin = (link = false, options: object = {}) =>
  call(client, client.beginExternalLogin, { provider: 'acme', link, origin: undefined }, options);
const complete = (
  { flowId, flowSecret }: BeginExternalLoginResponse,
  code: string,
  given: Partial<CompleteExternalLoginRequest> = {},
) =>
  call(client, client.completeExternalLogin, {
    ...{ provider: 'acme', flowSecret, callbackQuery: `code=${code}&state=${flowId}` },
    ...{ clientId: 'web', device: DEVICE, origin: undefined, labels: {}, deviceToken: '', endSessionId: '' },
    ...given,
  });

function ok<Response>(outcome: Outcome<Response>): Response {
  if ('ok' in outcome) return outcome.ok;
  throw new Error(JSON.stringify(outcome));
}

let made = 0;
const aSubject = () => `subject-${++made}`;

/** Links a new account to the user of the session. */
async function linked(): Promise<string> {
  const subject = aSubject();
  const flow = ok(await begin(true, bearer()));
  expect(ok(await complete(flow, external.acme.codeFor(subject))).outcome).toMatchObject({
    ...{ $case: 'linked', value: { provider: 'acme', subject, lastUsedAt: undefined } },
  });
  return subject;
}

test('providers are listed in the order of the configuration', async () => {
  const { providers } = ok(await call(client, client.listProviders, {}));
  expect(providers).toEqual([
    { name: 'acme', displayName: 'ACME' },
    { name: 'open', displayName: 'OPEN' },
  ]);
});

test('a user links an account, signs in with it, sees it and unlinks it', async () => {
  const subject = await linked();
  const flow = ok(await begin());
  expect(flow).toMatchObject({ flowId: expect.stringMatching(/^[\w-]{22}$/), expiresAt: expect.any(Date) });
  const { outcome } = ok(await complete(flow, external.acme.codeFor(subject)));
  if (outcome?.$case !== 'signedIn') throw new Error('not signed in');
  const { userId } = session.session;
  expect(outcome.value.session).toMatchObject({ userId, device: DEVICE, authenticationMethods: [] });
  expect(outcome.value.deviceToken).toMatch(/^lkd_/);
  const listed = async () => ok(await call(client, client.listIdentities, {}, bearer()));
  const list = async () => (await listed()).identities;
  expect(await listed()).toMatchObject({ username: `user-${userId}` });
  expect(await list()).toMatchObject([
    { provider: 'acme', subject, displayName: `${subject} the person`, lastUsedAt: expect.any(Date) },
  ]);
  const request = { provider: 'acme', subject, origin: undefined };
  ok(await call(client, client.unlinkIdentity, request, bearer()));
  expect(await list()).toEqual([]);
  expect(await call(client, client.unlinkIdentity, request, bearer())).toMatchObject({
    ...{ code: NOT_FOUND, reason: 'IDENTITY_NOT_FOUND' },
  });
});

test('a sign-in does not become a link because the caller has a token', async () => {
  const flow = ok(await begin(false, bearer()));
  expect(await complete(flow, external.acme.codeFor(aSubject()))).toMatchObject({
    ...{ code: PERMISSION_DENIED, reason: 'IDENTITY_NOT_LINKED', metadata: { provider: 'acme' } },
  });
});

test('a user at the limit is asked which session to end', async () => {
  const subject = await linked();
  const { userId, sessionId } = session.session;
  const user = external.world.users.get(userId);
  if (user === undefined) throw new Error('no user');
  external.world.changeUser(user, { devicePolicy: { kind: 'one', atLimit: 'refuse' } });
  const [flow, code] = [ok(await begin()), external.acme.codeFor(subject)];
  expect(ok(await complete(flow, code)).outcome).toMatchObject({
    ...{ $case: 'sessionLimit', value: { sessions: [{ sessionId }] } },
  });
  const chosen = ok(await complete(flow, code, { endSessionId: sessionId }));
  expect(chosen.outcome).toMatchObject({ $case: 'signedIn', value: { endedSessions: [{ sessionId }] } });
});

describe('bad input is refused', () => {
  test.each([
    ['provider', { provider: '' }],
    ['provider', { provider: 'x'.repeat(33) }],
    ['callback_query', { callbackQuery: '' }],
    ['callback_query', { callbackQuery: 'code=1&state=short' }],
    ['callback_query', { callbackQuery: `state=${'x'.repeat(22)}&state=${'x'.repeat(22)}` }],
    ['callback_query', { callbackQuery: `state=${'x'.repeat(22)}&a=${'é'.repeat(5_000)}` }],
    ['flow_secret', { flowSecret: 'x' }],
    ['end_session_id', { endSessionId: 'x' }],
    ['client_id', { clientId: 'x'.repeat(65) }],
    ['device_token', { deviceToken: 'lkd_forged' }],
    ['origin.ip_address', { origin: { ipAddress: 'here' } }],
  ])('in %s: %j', async (field, given) => {
    const flow = ok(await begin());
    expect(await complete(flow, 'code', given)).toMatchObject({ reason: 'INVALID_FIELD', fields: [field] });
  });

  test('unknown flows, secrets and providers', async () => {
    const flow = ok(await begin());
    const refusals = [
      await complete({ ...flow, flowSecret: 'x'.repeat(43) }, 'code'),
      await complete({ ...flow, flowId: 'x'.repeat(22) }, 'code'),
    ];
    expect(refusals[0]).toMatchObject({ code: NOT_FOUND, reason: 'FLOW_NOT_FOUND' });
    expect(refusals[1]).toEqual(refusals[0]);
    expect(await complete(flow, 'code', { provider: 'nobody' })).toMatchObject({
      reason: 'PROVIDER_NOT_FOUND',
    });
    const request = { provider: 'nobody', link: false, origin: undefined };
    expect(await call(client, client.beginExternalLogin, request)).toMatchObject({ code: NOT_FOUND });
  });

  test('calls without a token where one is needed, and an address from a caller that is no front', async () => {
    const unlink = { provider: 'acme', subject: 'x', origin: undefined };
    for (const refused of [
      await begin(true),
      await call(client, client.listIdentities, {}),
      await call(client, client.unlinkIdentity, unlink),
    ]) {
      expect(refused).toMatchObject({ reason: 'CALLER_UNAUTHENTICATED' });
    }
    const flow = ok(await begin());
    const forbidden = { reason: 'CALLER_FORBIDDEN' };
    expect(await complete(flow, 'code', { origin: ORIGIN })).toMatchObject(forbidden);
    const request = { provider: 'acme', link: false, origin: ORIGIN };
    expect(await call(client, client.beginExternalLogin, request)).toMatchObject(forbidden);
    const stated = { ...unlink, origin: ORIGIN };
    expect(await call(client, client.unlinkIdentity, stated, bearer())).toMatchObject(forbidden);
  });

  test('a query of the wildest kind', async () => {
    const flow = ok(await begin());
    const state = `state=${flow.flowId}`;
    for (const query of [
      `${state}&error=%00%ff&error=x`,
      `${state}&code=%`,
      `&&=&${state}`,
      `${state}#&code=1`,
    ]) {
      const refused = await complete(flow, '', { callbackQuery: query });
      expect(['PROVIDER_REFUSED', 'FLOW_OVER', 'INVALID_FIELD']).toContain(
        'reason' in refused && refused.reason,
      );
    }
  });
});
