import { describe, expect, test } from '@jest/globals';
import { parseProviders } from '../../src/config/provider-list.ts';

const ACME = {
  name: 'acme',
  type: 'oidc',
  display_name: 'Acme',
  issuer: 'https://id.acme.example',
  client_id: 'lk',
};
const WECHAT = {
  ...{
    name: 'wechat',
    type: 'wechat',
    display_name: '微信',
    client_id: 'wx1',
    client_secret_file: 'wechat.secret',
  },
};
const HUB = {
  ...{ name: 'hub', type: 'oauth2', display_name: 'Hub', client_id: 'lk', subject_field: 'id' },
  authorization_endpoint: 'https://hub.example/login/oauth/authorize',
  token_endpoint: 'https://hub.example/login/oauth/access_token',
  user_endpoint: 'https://api.hub.example/user',
};

const parse = (...providers: readonly unknown[]) => parseProviders(JSON.stringify({ providers }));

test('a list of providers gets its defaults', () => {
  expect(parse(ACME, WECHAT)).toEqual([
    {
      ...{ name: 'acme', displayName: 'Acme', clientId: 'lk', clientSecretFile: undefined },
      ...{ redirectUri: undefined, newUserRoles: undefined, timeoutMs: 5_000, maxCalls: 16 },
      protocol: { type: 'oidc', issuer: ACME.issuer, scopes: ['openid', 'profile'] },
    },
    {
      ...{ name: 'wechat', displayName: '微信', clientId: 'wx1', clientSecretFile: 'wechat.secret' },
      ...{ redirectUri: undefined, newUserRoles: undefined, timeoutMs: 5_000, maxCalls: 16 },
      protocol: { type: 'wechat' },
    },
  ]);
  expect(parse()).toEqual([]);
});

test('a provider of plain OAuth 2 has its endpoints', () => {
  const issuer = 'https://hub.example/login/oauth';
  expect(parse({ ...HUB, issuer })[0]?.protocol).toMatchObject({ issuer });
  expect(parse(HUB)[0]?.protocol).toEqual({
    type: 'oauth2',
    issuer: undefined,
    authorizationEndpoint: HUB.authorization_endpoint,
    tokenEndpoint: HUB.token_endpoint,
    userEndpoint: HUB.user_endpoint,
    ...{ subjectField: 'id', scopes: [] },
  });
});

test('a provider is described completely', () => {
  const redirectUri = 'https://login.example.com/back/acme';
  const given = {
    ...{
      ...ACME,
      scopes: ['email', 'openid'],
      redirect_uri: redirectUri,
      client_secret_file: '/run/secrets/acme',
    },
    ...{ create_users: true, roles: ['reader', 'reader'], timeout: '800ms', max_calls: 4 },
  };
  expect(parse(given)[0]).toEqual({
    ...{ name: 'acme', displayName: 'Acme', clientId: 'lk', clientSecretFile: '/run/secrets/acme' },
    ...{ redirectUri, newUserRoles: ['reader'], timeoutMs: 800, maxCalls: 4 },
    protocol: { type: 'oidc', issuer: ACME.issuer, scopes: ['openid', 'email'] },
  });
  expect(parse({ ...ACME, create_users: true })[0]?.newUserRoles).toEqual([]);
});

describe('a problem names the provider and the field:', () => {
  test.each<[object, string]>([
    [{ ...ACME, name: undefined }, 'provider 2: name is missing'],
    [
      { ...ACME, name: 'Acme' },
      'provider Acme: name must be 1 to 32 characters of a-z 0-9 -, no - at an end',
    ],
    [{ ...ACME, type: 'saml' }, 'provider acme: type must be one of oidc, oauth2, wechat'],
    [{ ...ACME, display_name: '' }, 'provider acme: display_name must not be empty'],
    [{ ...ACME, issuer: undefined }, 'provider acme: issuer is missing'],
    [
      { ...ACME, issuer: 'http://id.acme.example' },
      'provider acme: issuer must be an https URL without query and fragment; http is allowed on loopback',
    ],
    [
      { ...ACME, redirect_uri: 'https://x.example/?next=1' },
      'provider acme: redirect_uri must be an https URL without query and fragment; http is allowed on loopback',
    ],
    [{ ...ACME, client_secret: 'hunter2' }, 'provider acme: client_secret is not known; known are name, '],
    [{ ...ACME, scopes: ['a b'] }, 'provider acme: scopes must be scopes'],
    [{ ...ACME, roles: ['reader'] }, 'provider acme: roles needs create_users'],
    [{ ...ACME, create_users: true, roles: ['No'] }, 'provider acme: roles[0]: must be 1 to 64 of a-z'],
    [{ ...ACME, timeout: '1h' }, 'provider acme: timeout must be a whole number with a unit'],
    [{ ...ACME, max_calls: 0 }, 'provider acme: max_calls must be 1 to 1000'],
    [{ ...WECHAT, client_secret_file: undefined, name: 'w' }, 'provider w: client_secret_file is missing'],
    [{ ...WECHAT, name: 'w', issuer: ACME.issuer }, 'provider w: issuer is for the type oidc or oauth2 only'],
    [{ ...WECHAT, name: 'w', scopes: [] }, 'provider w: scopes is for the type oidc or oauth2 only'],
    [{ ...ACME, type: 'oauth2' }, 'provider acme: authorization_endpoint is missing'],
    [{ ...HUB, user_endpoint: undefined }, 'provider hub: user_endpoint is missing'],
    [{ ...HUB, subject_field: undefined }, 'provider hub: subject_field is missing'],
    [{ ...ACME, name: 'wechat' }, 'provider wechat: name is there twice'],
  ])('%j', (given, problem) => {
    expect(() => parse(WECHAT, given)).toThrow(problem);
  });

  test.each([
    ['{"secret": hunter2', 'it is not JSON'],
    ['[]', 'providers is missing'],
    ['{}', 'providers is missing'],
    ['{"providers": 1}', 'providers must be a list'],
    ['{"providers": [1]}', 'provider 1 must be an object with name, '],
    ['{"providers": [], "mode": 1}', 'mode is not known; known are providers'],
  ])('%s', (content, problem) => {
    expect(() => parseProviders(content)).toThrow(problem);
    expect(() => parseProviders(content)).not.toThrow('hunter2');
  });
});
