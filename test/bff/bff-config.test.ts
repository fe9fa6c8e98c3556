import { describe, expect, test } from '@jest/globals';
import { readBffConfig } from '../../src/bff/config/bff-config.ts';
import { readConfig } from '../../src/config.ts';

type Environment = Readonly<Record<string, string>>;

function configOf(environment: Environment) {
  const outcome = readBffConfig(environment);
  if (outcome.kind === 'issues') throw new Error(JSON.stringify(outcome.issues));
  return outcome.config;
}

function sentencesOf(environment: Environment): readonly string[] {
  const outcome = readBffConfig(environment);
  return outcome.kind === 'issues' ? outcome.issues.map(({ sentence }) => sentence) : [];
}

const HTTPS = {
  LATCHKEY_BFF_PUBLIC_ORIGIN: 'https://login.example.com',
  LATCHKEY_BFF_COOKIE_KEYS_FILE: '/etc/latchkey/cookie.keys',
};

describe('the configuration of the BFF', () => {
  test('needs nothing on loopback', () => {
    expect(configOf({})).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      service: { addresses: ['127.0.0.1:50051'], isPlaintext: true },
      trustedProxies: [],
      clientId: 'web',
    });
  });

  test('does not mind the variables of the service, nor the service those of the BFF', () => {
    const service = { LATCHKEY_LISTEN: 'nonsense', LATCHKEY_FOO: 'x' };
    expect(sentencesOf(service)).toEqual([]);
    const bff = { LATCHKEY_BFF_LISTEN: 'nonsense', LATCHKEY_BFF_FOO: 'x' };
    expect(readConfig(bff, 2).kind).toBe('config');
  });

  test('does not mind the variables that Kubernetes sets for a service named latchkey-bff', () => {
    const port = { LATCHKEY_BFF_PORT: 'tcp://10.0.0.1:80', LATCHKEY_BFF_SERVICE_PORT_HTTP: '80' };
    expect(sentencesOf({ ...port, LATCHKEY_BFF_SERVICE_HOST: '10.0.0.1' })).toEqual([]);
  });

  test('names a misspelt variable, and the one that was meant', () => {
    expect(sentencesOf({ LATCHKEY_BFF_HOST: '0.0.0.0' })).toEqual([
      'LATCHKEY_BFF_HOST is not a variable of latchkey-bff; did you mean LATCHKEY_BFF_LISTEN?',
    ]);
  });

  test('uses TLS to a service that is not on this machine', () => {
    const address = { LATCHKEY_BFF_SERVICE_ADDRESS: 'a:50051,b:50051' };
    expect(configOf(address).service.isPlaintext).toBe(false);
    expect(configOf({ ...address, LATCHKEY_BFF_SERVICE_PLAINTEXT: 'anywhere' }).service.isPlaintext).toBe(
      true,
    );
    expect(configOf({ LATCHKEY_BFF_SERVICE_CA: '/ca.crt' }).service.isPlaintext).toBe(false);
  });

  test.each<[Environment, string]>([
    [{ LATCHKEY_BFF_LISTEN: '0.0.0.0:80' }, 'LATCHKEY_BFF_PUBLIC_ORIGIN must be set'],
    [{ LATCHKEY_BFF_PUBLIC_ORIGIN: 'http://login.example.com' }, 'must be https'],
    [{ LATCHKEY_BFF_PUBLIC_ORIGIN: 'https://login.example.com/' }, 'must be an origin'],
    [
      { LATCHKEY_BFF_PUBLIC_ORIGIN: 'https://login.example.com' },
      'LATCHKEY_BFF_COOKIE_KEYS_FILE must be set',
    ],
    [{ ...HTTPS, LATCHKEY_BFF_TLS_CERT: '/a' }, 'LATCHKEY_BFF_TLS_CERT and LATCHKEY_BFF_TLS_KEY must be set'],
    [{ LATCHKEY_BFF_SERVICE_USERNAME: 'bff' }, 'and LATCHKEY_BFF_SERVICE_PASSWORD must be set together'],
    [{ LATCHKEY_BFF_TRUSTED_PROXIES: '10.0.0.0/8,nobody' }, 'must be IP addresses or networks'],
    [{ LATCHKEY_BFF_TRUSTED_PROXIES: '10.0.0.0/64' }, 'must be IP addresses or networks'],
    [{ LATCHKEY_BFF_LISTEN: 'unix:/run/bff' }, 'must be host:port'],
  ])('%j is refused, and the sentence says why', (environment, part) => {
    expect(sentencesOf(environment).join('\n')).toContain(part);
  });

  test('never shows a password', () => {
    const sentences = sentencesOf({ LATCHKEY_BFF_SERVICE_PASSWORD: 'secret\u0007' });
    expect(sentences.join()).toContain('LATCHKEY_BFF_SERVICE_PASSWORD is set, but');
    expect(sentences.join()).not.toContain('secret');
  });
});
