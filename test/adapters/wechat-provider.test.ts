import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fetchAppToken } from '../../src/adapters/wechat/wechat-app-token.ts';
import { WechatProvider, type WechatProviderOptions } from '../../src/adapters/wechat/wechat-provider.ts';
import { flowProof } from '../../src/core/sign-in/external-flow.ts';
import { newRandomId, newRandomSecret } from '../../src/core/sign-in/random-secrets.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { failureOf } from '../support/failing.ts';
import { WechatServer } from '../support/wechat-server.ts';

const REDIRECT_URI = 'https://login.example.com/external/wechat/callback';
const OPENID = 'oLVPpjqs9BhvzwPj5A-vTYAX3GLc';
const UNIONID = 'o6_bmasdasdsad6_2sgVt7hMZOPfL';

let server: WechatServer;

beforeAll(async () => {
  server = await WechatServer.start();
});

afterAll(() => server.stop());

beforeEach(() => {
  server.reply = undefined;
  server.hangs = false;
  server.codes.clear();
});

const proof = flowProof(newRandomId(), newRandomSecret());
const provider = (given: Partial<WechatProviderOptions> = {}) =>
  new WechatProvider({
    ...{ appId: server.appId, appSecret: server.appSecret, redirectUri: REDIRECT_URI, timeoutMs: 2_000 },
    apiOrigin: server.origin,
    ...given,
  });
const identify = (query: Readonly<Record<string, string>>, at = provider()) =>
  at.identify(new URLSearchParams({ state: proof.state, ...query }), proof);

test('a person is sent to the page of the website login', async () => {
  expect(await provider().authorizationUrl(proof)).toBe(
    `https://open.weixin.qq.com/connect/qrconnect?appid=${server.appId}` +
      '&redirect_uri=https%3A%2F%2Flogin.example.com%2Fexternal%2Fwechat%2Fcallback' +
      `&response_type=code&scope=snsapi_login&state=${proof.state}#wechat_redirect`,
  );
});

test('a person is identified by the unionid, or by the openid if there is none', async () => {
  server.codes.set('one', { openid: OPENID, unionid: UNIONID }).set('two', { openid: OPENID });
  expect(await identify({ code: 'one' })).toEqual({ subject: UNIONID, displayName: '', methods: [] });
  expect(await identify({ code: 'two' })).toEqual({ subject: OPENID, displayName: '', methods: [] });
  const { pathname, searchParams } = server.requests.at(-1) ?? new URL('none:');
  expect(pathname).toBe('/sns/oauth2/access_token');
  expect(Object.fromEntries(searchParams)).toEqual({
    ...{ appid: server.appId, secret: server.appSecret, code: 'two', grant_type: 'authorization_code' },
  });
});

test('a person who refuses comes back without a code', async () => {
  expect(await failureOf(identify({}))).toMatchObject({
    ...{ reason: 'PROVIDER_REFUSED', metadata: { error: 'access_denied' } },
  });
});

test('an answer to another flow is refused before WeChat is asked', async () => {
  const requests = server.requests.length;
  const mixedUp = [
    identify({ code: 'one', state: newRandomId() }),
    provider().identify(new URLSearchParams('code=one'), proof),
    provider().identify(new URLSearchParams(`state=${proof.state}&state=x&code=one`), proof),
    provider().identify(new URLSearchParams(`state=${proof.state}&code=one&code=two`), proof),
  ];
  for (const each of mixedUp) expect((await failureOf(each)).reason).toBe('PROVIDER_ANSWER_INVALID');
  expect(server.requests).toHaveLength(requests);
});

test('a code that is unknown, or was used before, is refused', async () => {
  expect(await failureOf(identify({ code: 'none' }))).toMatchObject({ metadata: { error: '40029' } });
  server.codes.set('once', { openid: OPENID });
  await identify({ code: 'once' });
  expect(await failureOf(identify({ code: 'once' }))).toMatchObject({
    ...{ reason: 'PROVIDER_REFUSED', metadata: { error: '40163' } },
  });
});

test('an account without an id is refused', async () => {
  server.codes.set('empty', { openid: '' });
  expect((await failureOf(identify({ code: 'empty' }))).reason).toBe('PROVIDER_ANSWER_INVALID');
});

describe('WeChat cannot be used', () => {
  test.each([
    [{ errcode: -1, errmsg: 'system busy' }],
    [{ errcode: 45011, errmsg: 'api minute-quota reach limit' }],
    [{ status: 502 }],
    ['<html>'],
    ['null'],
    ['[]'],
    ['x'.repeat(100_000)],
  ])('because it answers %j', async (reply) => {
    server.reply = reply;
    expect((await failureOf(identify({ code: 'one' }))).reason).toBe('PROVIDER_UNAVAILABLE');
  });

  test('because it does not answer in time, or is not there', async () => {
    server.hangs = true;
    expect((await failureOf(identify({ code: 'one' }, provider({ timeoutMs: 100 })))).reason).toBe(
      'PROVIDER_UNAVAILABLE',
    );
    const away = provider({ apiOrigin: 'http://127.0.0.1:2' });
    expect((await failureOf(identify({ code: 'one' }, away))).reason).toBe('PROVIDER_UNAVAILABLE');
  });
});

describe('the token of the application', () => {
  const clock = { now: () => 1_000 };
  const options = () => ({ appId: server.appId, appSecret: server.appSecret, timeoutMs: 2_000, clock });

  test('lives as long as WeChat says', async () => {
    const token = await fetchAppToken({ ...options(), apiOrigin: server.origin });
    expect(token).toEqual({ token: 'APP-1', expiresAt: 7_201_000 });
  });

  test.each([
    [{ errcode: 40164, errmsg: 'invalid ip' }],
    [{ access_token: '', expires_in: 7200 }],
    [{ access_token: 'A', expires_in: -1 }],
    [{ status: 500 }],
  ])('is unavailable if WeChat answers %j', async (reply) => {
    server.reply = reply;
    const failure = await failureOf(fetchAppToken({ ...options(), apiOrigin: server.origin }));
    expect(failure.reason).toBe('PROVIDER_UNAVAILABLE');
    expect(String(failure.cause)).not.toContain(server.appSecret);
  });
});

test('no error, and no line of the log, has the secret', async () => {
  const lines: string[] = [];
  const log = createLogger('debug', { write: (line) => lines.push(line) });
  const note = async (work: Promise<unknown>) => {
    const failure = await failureOf(work);
    log.warn({ err: failure }, failure.message);
    lines.push(JSON.stringify([failure.message, failure.metadata, String(failure.cause)]));
  };
  const appSecret = 'wrong-secret-9876543210';
  await note(identify({ code: 'one' }, provider({ appSecret })));
  await note(identify({ code: 'one' }, provider({ appSecret, apiOrigin: 'http://127.0.0.1:2' })));
  server.reply = { status: 500 };
  await note(identify({ code: 'one' }, provider({ appSecret })));
  server.hangs = true;
  await note(identify({ code: 'one' }, provider({ appSecret, timeoutMs: 100 })));
  const text = lines.join('\n');
  for (const part of ['errcode 40125', 'ECONNREFUSED', 'status 500', 'TimeoutError'])
    expect(text).toContain(part);
  expect(text).not.toContain(appSecret);
  expect(text).not.toContain('secret=');
});
