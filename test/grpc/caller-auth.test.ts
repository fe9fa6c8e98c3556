import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { validateByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const request = { accessToken: 'good', consistency: Consistency.BOUNDED, audience: '', atLeastRevision: '' };
const bearer = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });

let running: RunningServer;
afterEach(() => running.close());

describe('LATCHKEY_CALLER_AUTH=token', () => {
  test('counts the requested verdicts, and not the one on the caller', async () => {
    const { core, verdicts } = fakeCore();
    running = await startIdentityServer(core, { callerAuth: 'token' });
    const { client } = running;
    await call(client, client.validate, request, bearer('service'));
    await call(client, client.validate, request, bearer('stolen'));
    await call(client, client.batchValidate, { ...request, accessTokens: ['good', 'x'] }, bearer('service'));
    expect(verdicts).toEqual(['accepted', 'accepted', 'MALFORMED']);
  });

  test.each(['service', 'admin'])('admits a caller with the role %s', async (role) => {
    running = await startIdentityServer(fakeCore().core, { callerAuth: 'token' });
    const { client } = running;
    expect(await call(client, client.validate, request, bearer(role))).toHaveProperty('ok');
    const batch = { ...request, accessTokens: ['good'] };
    expect(await call(client, client.batchValidate, batch, bearer(role))).toHaveProperty('ok');
  });

  test.each([
    ['nothing', {}],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['no token', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: 'Bearer service, Bearer service' }],
    ['a token that is not good', { authorization: 'Bearer stolen' }],
  ])('refuses a caller that presents %s', async (_what, metadata) => {
    running = await startIdentityServer(fakeCore().core, { callerAuth: 'token' });
    const { client } = running;
    expect(await call(client, client.validate, request, { metadata })).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'CALLER_UNAUTHENTICATED',
    });
  });

  test('refuses a caller without the role, and names it', async () => {
    running = await startIdentityServer(fakeCore().core, { callerAuth: 'token' });
    const { client } = running;
    expect(await call(client, client.validate, request, bearer('good'))).toMatchObject({
      code: status.PERMISSION_DENIED,
      reason: 'CALLER_FORBIDDEN',
      metadata: { required_role: 'service' },
    });
  });

  test('tells a refused caller nothing about its request', async () => {
    running = await startIdentityServer(fakeCore().core, { callerAuth: 'token' });
    const { client } = running;
    const wrong = { ...request, atLeastRevision: 'wrong' };
    expect(await call(client, client.validate, wrong)).toMatchObject({ reason: 'CALLER_UNAUTHENTICATED' });
  });

  test('does not apply to sign-in', async () => {
    running = await startIdentityServer(fakeCore().core, { callerAuth: 'token' });
    const { client } = running;
    expect(
      await call(client, client.refresh, { refreshToken: 'lkr_x', clientId: '', origin: undefined }),
    ).toHaveProperty('ok');
  });

  test('reports a failed store as such, not as an invalid caller', async () => {
    const validate = (token: string, _requirements: Requirements) =>
      token === 'service'
        ? Promise.reject(storeUnavailable('sessions', new Error('timeout')))
        : validateByName(token);
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core, { callerAuth: 'token' });
    const { client } = running;
    expect(await call(client, client.validate, request, bearer('service'))).toMatchObject({
      code: status.UNAVAILABLE,
      reason: 'STORE_UNAVAILABLE',
    });
  });
});

test('LATCHKEY_CALLER_AUTH=mtls refuses a caller without a certificate', async () => {
  running = await startIdentityServer(fakeCore().core, { callerAuth: 'mtls' });
  const { client } = running;
  expect(await call(client, client.validate, request, bearer('admin'))).toMatchObject({
    code: status.UNAUTHENTICATED,
    reason: 'CALLER_UNAUTHENTICATED',
  });
});
