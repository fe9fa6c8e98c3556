import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { IdentityAdministration } from '../../src/core/administration/identity-administration.ts';
import { UserIdentityServiceClient } from '../../src/gen/latchkey/admin/v1/user_identity.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { userIdentityService } from '../../src/grpc/user-identity-service.ts';
import { ExternalWorld } from '../support/external-world.ts';
import { claimsOf, testEnvironment, validateByName } from './support/fakes.ts';
import { call } from './support/unary-call.ts';

const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const admin = { metadata: { authorization: 'Bearer admin' } };
const nobody = '019b7760-0000-7000-8000-000000000099';

let external: ExternalWorld;
let server: GrpcServer;
let client: UserIdentityServiceClient;
let userId: string;
const environment = testEnvironment();

beforeAll(async () => {
  external = await ExternalWorld.start();
  const { identities, providers } = external;
  const core = new IdentityAdministration({ identities, providers });
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [userIdentityService(core, { validate: validateByName }, environment)],
    reflection: false,
    log: environment.log,
  });
  client = new UserIdentityServiceClient(await server.listen(), credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
  await external.world.close();
});

beforeEach(() => {
  userId = external.world.addUser().userId;
});

const link = (given: object = {}, options: object = admin) => {
  const request = { userId, provider: 'acme', subject: `of ${userId}`, displayName: 'Ada', ...given };
  return call(client, client.linkUserIdentity, request, options);
};
const unlink = (given: object = {}, options: object = admin) =>
  call(
    client,
    client.unlinkUserIdentity,
    { userId, provider: 'acme', subject: `of ${userId}`, ...given },
    options,
  );
const list = (options: object = admin) => call(client, client.listUserIdentities, { userId }, options);

test('an operator links, lists and unlinks the account of a user, and is named in the trail', async () => {
  const identity = { provider: 'acme', subject: `of ${userId}`, displayName: 'Ada', lastUsedAt: undefined };
  expect(await link()).toMatchObject({ ok: { identity } });
  expect(await link()).toMatchObject({ ok: { identity } });
  expect(await list()).toMatchObject({ ok: { identities: [identity] } });
  expect(await unlink()).toEqual({ ok: {} });
  expect(await list()).toEqual({ ok: { identities: [] } });
  const { clientId, ...ids } = claimsOf([]);
  const actor = { kind: 'caller', userId: ids.userId, sessionId: ids.sessionId, clientId };
  const events = external.world.events.all.filter((event) => 'userId' in event && event.userId === userId);
  expect(events).toMatchObject([
    { kind: 'IdentityLinked', actor, provider: 'acme' },
    { kind: 'IdentityUnlinked', actor, provider: 'acme' },
  ]);
});

describe('is refused:', () => {
  test('an account of another user, an unknown user, provider or account', async () => {
    await link();
    const other = external.world.addUser().userId;
    const taken = { code: ALREADY_EXISTS, reason: 'IDENTITY_TAKEN' };
    expect(await link({ userId: other, subject: `of ${userId}` })).toMatchObject(taken);
    expect(await link({ userId: nobody, subject: 'x' })).toMatchObject({ reason: 'USER_NOT_FOUND' });
    expect(await link({ provider: 'nobody' })).toMatchObject({
      code: NOT_FOUND,
      reason: 'PROVIDER_NOT_FOUND',
    });
    expect(await unlink({ subject: 'x' })).toMatchObject({ code: NOT_FOUND, reason: 'IDENTITY_NOT_FOUND' });
    expect(await unlink({ provider: 'gone' })).toMatchObject({ reason: 'IDENTITY_NOT_FOUND' });
  });

  test.each([
    ['user_id', { userId: 'ada' }],
    ['provider', { provider: '' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 'x'.repeat(256) }],
    ['subject', { subject: 'a\u0000' }],
    ['display_name', { displayName: 'é'.repeat(33) }],
  ])('an invalid %s: %j', async (field, given) => {
    expect(await link(given)).toMatchObject({ reason: 'INVALID_FIELD', fields: [field] });
  });

  test('a caller who is no administrator', async () => {
    for (const options of [{}, { metadata: { authorization: 'Bearer service' } }]) {
      for (const refused of [await link({}, options), await unlink({}, options), await list(options)]) {
        const { reason } = refused as { readonly reason: string };
        expect(['CALLER_UNAUTHENTICATED', 'CALLER_FORBIDDEN']).toContain(reason);
      }
    }
  });
});
