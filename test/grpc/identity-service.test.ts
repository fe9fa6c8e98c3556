import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Failure, storeUnavailable } from '../../src/core/failure.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { T0, validateByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, session, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const loginRequest = {
  username: 'ada',
  password: 'right',
  clientId: 'web',
  device: undefined,
  origin: undefined,
  deviceToken: '',
  labels: {},
  endSessionId: '',
};
const validateRequest = {
  accessToken: 'good',
  consistency: Consistency.UNSPECIFIED,
  audience: '',
  atLeastRevision: '',
};

let running: RunningServer;
afterEach(() => running.close());

describe('Login', () => {
  test("passes on the request and the caller's address", async () => {
    const { core, asked } = fakeCore();
    running = await startIdentityServer(core);
    const device = { deviceId: 'd1', name: 'Firefox', platform: 'Linux' };
    const labels = { app_version: '5.2', store: '' };
    const { client } = running;
    const outcome = await call(client, client.login, {
      ...loginRequest,
      device,
      labels,
      deviceToken: 'lkd_x',
    });
    expect(outcome.ok?.outcome).toMatchObject({
      $case: 'signedIn',
      value: {
        deviceToken: 'lkd_device',
        session: {
          sessionId: session.sessionId,
          latestIpAddress: session.latestIpAddress,
          labels: session.labels,
          authenticationMethods: ['pwd'],
          isNewDevice: true,
        },
        tokens: { accessTokenExpiresAt: new Date(T0 + 900_000) },
      },
    });
    expect(asked).toEqual([
      expect.objectContaining({ username: 'ada', password: 'right', ipAddress: '127.0.0.1', device, labels }),
    ]);
    expect(asked).toEqual([expect.objectContaining({ deviceToken: 'lkd_x' })]);
  });

  test('at the session limit answers the sessions to choose from, and hands on the choice', async () => {
    const summary = { deviceName: 'Firefox', platform: 'Linux', createdAt: T0, lastSeenAt: T0 + 1 };
    const { sessionId } = session;
    const asked: unknown[] = [];
    const login = async (attempt: { readonly endSessionId: string }) => {
      asked.push(attempt.endSessionId);
      return { kind: 'session-limit' as const, sessions: [{ ...summary, sessionId }] };
    };
    running = await startIdentityServer(fakeCore({ login: { login } }).core);
    const { client } = running;
    const outcome = await call(client, client.login, { ...loginRequest, endSessionId: sessionId });
    const dates = { createdAt: new Date(T0), lastSeenAt: new Date(T0 + 1) };
    expect(outcome.ok?.outcome).toEqual({
      $case: 'sessionLimit',
      value: { sessions: [{ ...summary, ...dates, sessionId }] },
    });
    expect(asked).toEqual([sessionId]);
  });

  test.each(['me', '019B7760-0000-7000-8000-000000000002', 'x'.repeat(10_000)])(
    'refuses a session to end that is no session id: %#',
    async (endSessionId) => {
      running = await startIdentityServer();
      const { client } = running;
      expect(await call(client, client.login, { ...loginRequest, endSessionId })).toMatchObject({
        code: status.INVALID_ARGUMENT,
        fields: ['end_session_id'],
      });
    },
  );

  test('names every invalid field in one BadRequest', async () => {
    running = await startIdentityServer();
    const device = { deviceId: 'd'.repeat(65), name: 'é'.repeat(33), platform: 'p' };
    const { client } = running;
    const outcome = await call(client, client.login, {
      ...loginRequest,
      ...{ username: '', device, deviceToken: 'x'.repeat(513) },
    });
    expect(outcome).toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      fields: ['username', 'device_token', 'device.device_id', 'device.name'],
    });
  });

  const eightLabels = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`${index}_.-${'k'.repeat(28)}`, 'é'.repeat(32)]),
  );

  test.each([
    ['nine of them', { ...eightLabels, one: 'more' }, 'labels'],
    ['a key in upper case', { App: '1' }, 'labels'],
    ['an empty key', { '': '1' }, 'labels'],
    ['a key of 33 characters', { ['k'.repeat(33)]: '1' }, 'labels'],
    ['a value of 65 bytes', { app: 'v'.repeat(65) }, 'labels.app'],
    ['a control character in a value', { app: '\u001b[2J' }, 'labels.app'],
  ])('refuses labels: %s', async (_, labels, field) => {
    running = await startIdentityServer();
    const { client } = running;
    const outcome = await call(client, client.login, { ...loginRequest, labels });
    expect(outcome).toMatchObject({ reason: 'INVALID_FIELD', fields: [field] });
  });

  test('accepts fields of exactly the maximum size', async () => {
    running = await startIdentityServer();
    const device = { deviceId: 'd'.repeat(64), name: 'é'.repeat(32), platform: 'p'.repeat(64) };
    const { client } = running;
    const sizes = { username: 'é'.repeat(64), clientId: 'c'.repeat(64), device, labels: eightLabels };
    const request = { ...loginRequest, ...sizes };
    expect(await call(client, client.login, request)).toHaveProperty('ok');
  });

  test('states the retry delay if the queue is full', async () => {
    const refuse = async () => {
      throw new Failure('LOGIN_QUEUE_FULL', 'Too many sign-ins are waiting.', { retryAfterMs: 1_500 });
    };
    running = await startIdentityServer(fakeCore({ login: { login: refuse } }).core);
    const { client } = running;
    expect(await call(client, client.login, loginRequest)).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      reason: 'LOGIN_QUEUE_FULL',
      retryAfterMs: 1_500,
    });
  });

  test('cancels the work when the caller cancels', async () => {
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const hang = (attempt: { signal?: AbortSignal }) => {
      attempt.signal?.addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      return new Promise<never>(() => {});
    };
    running = await startIdentityServer(fakeCore({ login: { login: hang } }).core);
    const under = running.client.login(loginRequest, () => {});
    await begun.promise;
    under.cancel();
    await aborted.promise;
  });
});

describe('Refresh and Logout', () => {
  test('return the tokens, and the revision of the end', async () => {
    running = await startIdentityServer();
    const { client } = running;
    const refreshed = await call(client, client.refresh, {
      refreshToken: 'lkr_x',
      clientId: '',
      origin: undefined,
    });
    expect(refreshed.ok?.tokens?.refreshToken).toBe('lkr_refresh');
    const byRefresh = { token: { $case: 'refreshToken' as const, value: 'a' } };
    expect(await call(client, client.logout, byRefresh)).toEqual({ ok: { revision: 'refresh:a' } });
    const byAccess = { token: { $case: 'accessToken' as const, value: 'b' } };
    expect(await call(client, client.logout, byAccess)).toEqual({ ok: { revision: 'access:b' } });
  });

  test('require their token', async () => {
    running = await startIdentityServer();
    const { client } = running;
    expect(
      await call(client, client.refresh, { refreshToken: '', clientId: '', origin: undefined }),
    ).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: ['refresh_token'],
    });
    expect(await call(client, client.logout, { token: undefined })).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: ['token'],
    });
  });

  test('state how the session ended', async () => {
    const refresh = async () => {
      throw new Failure('SESSION_ENDED', 'The session has ended.', { metadata: { end_reason: 'REPLACED' } });
    };
    const { core } = fakeCore();
    running = await startIdentityServer({ ...core, sessions: { ...core.sessions, refresh } });
    const { client } = running;
    expect(
      await call(client, client.refresh, { refreshToken: 'lkr_x', clientId: '', origin: undefined }),
    ).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'SESSION_ENDED',
      metadata: { end_reason: 'REPLACED' },
    });
  });
});

describe('Validate', () => {
  test('returns an identity with its freshness', async () => {
    running = await startIdentityServer();
    const { client } = running;
    const { ok } = await call(client, client.validate, { ...validateRequest, accessToken: 'service' });
    expect(ok).toMatchObject({
      verdict: { $case: 'identity', value: { userId: session.userId, roles: ['service'], clientId: 'web' } },
      asOf: new Date(T0 + 5_000),
      revision: '5-0',
    });
  });

  test.each([{ accessToken: '' }, { accessToken: 'x'.repeat(5_000) }])(
    'rejects a malformed token in an OK response',
    async (request) => {
      running = await startIdentityServer();
      const { client } = running;
      const { ok } = await call(client, client.validate, { ...validateRequest, ...request });
      expect(ok?.verdict?.$case).toBe('rejection');
    },
  );

  test('passes on the requirements of freshness', async () => {
    const { core, asked } = fakeCore();
    running = await startIdentityServer(core);
    const { client } = running;
    await call(client, client.validate, validateRequest);
    await call(client, client.validate, {
      ...validateRequest,
      consistency: Consistency.STRONG,
      audience: 'billing',
      atLeastRevision: '7-1',
    });
    expect(asked).toEqual([
      { consistency: 'BOUNDED' },
      { consistency: 'STRONG', audience: 'billing', atLeastRevision: '7-1' },
    ]);
  });

  test('refuses an invalid revision and an unknown consistency', async () => {
    running = await startIdentityServer();
    const { client } = running;
    const request = { ...validateRequest, consistency: 9 as never, atLeastRevision: 'yesterday' };
    expect(await call(client, client.validate, request)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      fields: ['consistency', 'at_least_revision'],
    });
  });
});

describe('BatchValidate', () => {
  const batch = { ...validateRequest, accessTokens: ['good'] };

  test('answers in order, with the earliest freshness of all verdicts', async () => {
    const asOf: Record<string, number> = { good: T0 + 9_000, bad: T0 + 3_000 };
    const validate = async (token: string) => ({
      ...validateByName(token),
      asOf: asOf[token] ?? T0,
      revision: token === 'bad' ? '3-9' : '10-0',
    });
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client } = running;
    const { ok } = await call(client, client.batchValidate, {
      ...batch,
      accessTokens: ['good', 'bad', 'good'],
    });
    expect(ok?.verdicts.map(({ verdict }) => verdict?.$case)).toEqual(['identity', 'rejection', 'identity']);
    expect(ok?.asOf).toEqual(new Date(T0 + 3_000));
    expect(ok?.revision).toBe('3-9');
  });

  test('accepts 256 tokens of 1,024 bytes, and no token or byte more', async () => {
    running = await startIdentityServer();
    const { client } = running;
    const accessTokens = new Array<string>(256).fill('t'.repeat(1_024));
    const full = await call(client, client.batchValidate, { ...batch, accessTokens });
    expect(full.ok?.verdicts).toHaveLength(256);
    const over = { ...batch, accessTokens: new Array<string>(257).fill('t') };
    expect(await call(client, client.batchValidate, over)).toMatchObject({ fields: ['access_tokens'] });
    const heavy = { ...batch, accessTokens: accessTokens.with(0, 't'.repeat(1_025)) };
    expect(await call(client, client.batchValidate, heavy)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      fields: ['access_tokens'],
      message: expect.stringContaining('262144 bytes in total'),
    });
    const none = { ...batch, accessTokens: [] };
    expect(await call(client, client.batchValidate, none)).toMatchObject({ fields: ['access_tokens'] });
  });

  test('gives no verdict if one of them fails', async () => {
    const validate = (token: string) =>
      token === 'bad'
        ? Promise.reject(storeUnavailable('sessions', new Error('timeout')))
        : validateByName(token);
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client } = running;
    const outcome = await call(client, client.batchValidate, {
      ...batch,
      accessTokens: ['bad', 'good', 'bad'],
    });
    expect(outcome).toMatchObject({
      code: status.UNAVAILABLE,
      reason: 'STORE_UNAVAILABLE',
      metadata: { store: 'sessions' },
    });
  });
});

describe('internal errors', () => {
  test.each([
    [
      'thrown at once',
      () => {
        throw new TypeError('secret detail');
      },
    ],
    ['thrown later', () => Promise.reject(new TypeError('secret detail'))],
  ])('are INTERNAL with only a correlation id: %s', async (_when, validate) => {
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client, environment } = running;
    const outcome = await call(client, client.validate, validateRequest);
    expect(outcome).toMatchObject({
      code: status.INTERNAL,
      reason: 'INTERNAL',
      metadata: { correlation_id: 'id-1' },
    });
    expect(JSON.stringify(outcome)).not.toContain('secret');
    const [line] = environment.log.at('error');
    expect(line?.fields).toMatchObject({
      correlationId: 'id-1',
      err: expect.objectContaining({ stack: expect.stringContaining('secret detail') }),
    });
    expect(environment.callMetrics.calls).toEqual([`Validate ${status.INTERNAL}`]);
  });

  test('include a response that cannot be encoded', async () => {
    const validate = (token: string) => ({ ...validateByName(token), asOf: Number.NaN });
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client, environment } = running;
    expect(await call(client, client.validate, validateRequest)).toMatchObject({
      code: status.INTERNAL,
      metadata: { correlation_id: 'id-1' },
    });
    expect(environment.log.at('error')).toHaveLength(1);
  });

  test('do not send the cause of a failure', async () => {
    const validate = () => Promise.reject(storeUnavailable('sessions', new Error('redis://:pw@host')));
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client, environment } = running;
    const outcome = await call(client, client.validate, validateRequest);
    expect(JSON.stringify(outcome)).not.toContain('redis');
    expect(environment.log.at('warn')).toHaveLength(1);
  });
});
