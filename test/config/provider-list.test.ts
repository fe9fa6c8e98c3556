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
    [{ ...ACME, type: 'saml' }, 'provider acme: type must be oidc or wechat'],
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
    [{ ...WECHAT, name: 'w', issuer: ACME.issuer }, 'provider w: issuer is for the type oidc only'],
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
