import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { describeIssues } from '../../src/config/config-issue.ts';
import { factsOf, VARIABLE_NAMES, VARIABLES_SCHEMA } from '../../src/config/variables.ts';
import { type Config, type Environment, readConfig } from '../../src/config.ts';

const KEY = Buffer.alloc(32, 1).toString('base64url');
const OTHER_KEY = Buffer.alloc(40, 2).toString('base64url');

function configOf(environment: Environment, cores = 4): Config {
  const outcome = readConfig(environment, cores);
  if (outcome.kind === 'issues') throw new Error(describeIssues(outcome.issues));
  return outcome.config;
}

function issuesOf(environment: Environment): readonly string[] {
  const outcome = readConfig(environment, 4);
  return outcome.kind === 'issues' ? outcome.issues.map(({ name }) => name) : [];
}

function reportOf(environment: Environment): string {
  const outcome = readConfig(environment, 4);
  return outcome.kind === 'issues' ? describeIssues(outcome.issues) : '';
}

describe('the configuration', () => {
  test('of an empty environment serves one machine with embedded stores', () => {
    expect(configOf({})).toMatchObject({
      environment: 'development',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 50051 },
      metricsListen: { host: '127.0.0.1', port: 9464 },
      tls: undefined,
      callerAuth: 'open',
      reflection: true,
      drainDelayMs: 0,
      redis: { kind: 'none' },
      databaseUrl: undefined,
      masterKeys: undefined,
      bootstrap: { username: 'admin', password: undefined },
      issuer: 'https://latchkey.local',
      audiences: ['latchkey'],
      accessTokenTtlMs: 900_000,
      sessionIdleTtlMs: 7 * 86_400_000,
      sessionMaxTtlMs: 30 * 86_400_000,
      refreshGraceMs: 30_000,
      maxStalenessMs: 5_000,
      devicePolicy: { kind: 'limit', maxSessions: 50, atLimit: 'replace' },
      bcrypt: { cost: 12, threads: 3, waitingPerThread: 32 },
    });
  });

  test('of a replica has its stores, keys and certificates', () => {
    const config = configOf({
      LATCHKEY_LISTEN: '0.0.0.0:50051',
      LATCHKEY_METRICS_LISTEN: 'off',
      LATCHKEY_TLS_CERT: '/tls/crt',
      LATCHKEY_TLS_KEY: '/tls/key',
      LATCHKEY_TLS_CLIENT_CA: '/tls/ca',
      LATCHKEY_CALLER_AUTH: 'mtls',
      LATCHKEY_REDIS_URL: 'redis+cluster://redis-1,redis-2',
      LATCHKEY_REDIS_WAIT_REPLICAS: '1',
      LATCHKEY_DATABASE_URL: 'postgres://latchkey:secret@db/latchkey',
      LATCHKEY_MASTER_KEY: `${OTHER_KEY},${KEY}`,
      LATCHKEY_AUDIENCE: 'a,b',
    });
    expect(config).toMatchObject({
      environment: 'production',
      metricsListen: undefined,
      tls: { certificate: '/tls/crt', privateKey: '/tls/key', clientCa: '/tls/ca' },
      callerAuth: 'mtls',
      reflection: false,
      drainDelayMs: 2_000,
      redis: { kind: 'cluster' },
      redisWaitReplicas: 1,
      masterKeys: [Buffer.alloc(40, 2), Buffer.alloc(32, 1)],
      audiences: ['a', 'b'],
    });
  });

  test.each([
    [
      { LATCHKEY_MAX_SESSIONS_PER_USER: '3', LATCHKEY_DEVICE_LIMIT_ACTION: 'refuse' },
      { kind: 'limit', maxSessions: 3, atLimit: 'refuse' },
    ],
    [{ LATCHKEY_DEVICE_POLICY: 'unlimited' }, { kind: 'unlimited' }],
    [{ LATCHKEY_DEVICE_POLICY: 'one' }, { kind: 'one', atLimit: 'replace' }],
    [
      { LATCHKEY_DEVICE_POLICY: 'one-per-platform', LATCHKEY_DEVICE_LIMIT_ACTION: 'refuse' },
      { kind: 'one-per-platform', atLimit: 'refuse' },
    ],
  ])('has a device policy: %j', (environment, devicePolicy) => {
    expect(configOf(environment).devicePolicy).toEqual(devicePolicy);
  });

  test('is frozen', () => {
    const config = configOf({ LATCHKEY_MASTER_KEY: KEY });
    expect(() => Object.assign(config, { issuer: '' })).toThrow(TypeError);
    expect(() => Object.assign(config.bcrypt, { cost: 4 })).toThrow(TypeError);
    expect(() => Object.assign(config.audiences, { 0: '' })).toThrow(TypeError);
  });

  test('treats an empty variable as unset', () => {
    expect(configOf({ LATCHKEY_REDIS_URL: '', LATCHKEY_ISSUER: '' })).toEqual(configOf({}));
  });

  test('keeps at least one thread for bcrypt', () => {
    expect(configOf({}, 1).bcrypt.threads).toBe(1);
  });

  test('is for production if NODE_ENV says so, unless LATCHKEY_ENV differs', () => {
    expect(configOf({ NODE_ENV: 'production' })).toMatchObject({
      environment: 'production',
      reflection: false,
    });
    expect(configOf({ NODE_ENV: 'production', LATCHKEY_ENV: 'development' }).reflection).toBe(true);
    expect(configOf({ LATCHKEY_ENV: 'production', LATCHKEY_REFLECTION: 'on' }).reflection).toBe(true);
  });
});

describe('issues', () => {
  test('are all reported at once, each with an example', () => {
    expect(
      reportOf({
        LATCHKEY_BCRYPT_COST: '9000',
        LATCHKEY_ACCESS_TOKEN_TTL: 'quarter of an hour',
        LATCHKEY_REDIS_ULR: 'redis://localhost',
        LATCHKEY_TLS_CERT: '/tls/crt',
      }),
    ).toBe(
      [
        'latchkey cannot start: 4 problems in its environment.',
        '  LATCHKEY_REDIS_ULR is not a variable of latchkey; did you mean LATCHKEY_REDIS_URL?',
        '  LATCHKEY_ACCESS_TOKEN_TTL is "quarter of an hour", but must be a whole number with a unit (ms, s, m, h, d), from 1s to 1d.',
        '    Example: LATCHKEY_ACCESS_TOKEN_TTL=10m',
        '  LATCHKEY_BCRYPT_COST is "9000", but must be a whole number from 4 to 16.',
        '    Example: LATCHKEY_BCRYPT_COST=12',
        '  LATCHKEY_TLS_KEY must be set together with LATCHKEY_TLS_CERT.',
        '    Example: LATCHKEY_TLS_KEY=/etc/latchkey/tls.key',
      ].join('\n'),
    );
  });

  test('never show a secret', () => {
    const report = reportOf({
      LATCHKEY_MASTER_KEY: 'hush-hush',
      LATCHKEY_REDIS_URL: 'redis://hush-hush@localhost',
      LATCHKEY_DATABASE_URL: 'mysql://hush-hush@localhost/db',
      LATCHKEY_BOOTSTRAP_PASSWORD: `hush-hush${'x'.repeat(2000)}`,
    });
    expect(report).toMatch(/4 problems/);
    expect(report).not.toMatch(/hush/);
  });

  test('show long values truncated and control characters escaped', () => {
    const report = reportOf({ LATCHKEY_LOG_LEVEL: `\u001b[31m${'x'.repeat(500)}` });
    expect(report).toContain('"\\u001b[31mxxx');
    expect(report.length).toBeLessThan(400);
  });

  test('of a name unlike any other contain no suggestion', () => {
    expect(reportOf({ LATCHKEY_FAVOURITE_COLOUR: 'blue' })).toContain(
      'LATCHKEY_FAVOURITE_COLOUR is not a variable of latchkey.',
    );
  });

  test('do not include variables that Kubernetes sets for services named latchkey', () => {
    expect(
      issuesOf({
        LATCHKEY_SERVICE_HOST: '10.0.0.1',
        LATCHKEY_SERVICE_PORT: '50051',
        LATCHKEY_SERVICE_PORT_GRPC: '50051',
        LATCHKEY_PORT: 'tcp://10.0.0.1:50051',
        LATCHKEY_PORT_50051_TCP: 'tcp://10.0.0.1:50051',
        LATCHKEY_PORT_50051_TCP_ADDR: '10.0.0.1',
        LATCHKEY_REDIS_SERVICE_HOST: '10.0.0.2',
        LATCHKEY_REDIS_PORT: 'tcp://10.0.0.2:6379',
      }),
    ).toEqual([]);
    expect(issuesOf({ LATCHKEY_PORT: '8080' })).toEqual(['LATCHKEY_PORT']);
  });

  test('do not include the variables of the command-line tool', () => {
    expect(issuesOf({ LATCHKEY_ADDRESS: 'localhost:50051', LATCHKEY_TOKEN: 'x' })).toEqual([]);
  });
});

const BEYOND_LOOPBACK = { LATCHKEY_LISTEN: '0.0.0.0:50051', LATCHKEY_CALLER_AUTH: 'open' };
const TLS = { LATCHKEY_TLS_CERT: '/tls/crt', LATCHKEY_TLS_KEY: '/tls/key' };

describe('the first user', () => {
  test.each([
    ['is too short', 'hush', {}, 'must have at least 8 characters'],
    ['is tried first', 'password123', {}, 'is too easy to guess'],
    ['is the username', 'Alice-in-Wales-1', { LATCHKEY_BOOTSTRAP_USERNAME: 'alice-in-wales' }, 'too easy'],
  ])('cannot have a password that %s', (_, password, environment, reason) => {
    const given = { ...environment, LATCHKEY_BOOTSTRAP_PASSWORD: password };
    expect(issuesOf(given)).toEqual(['LATCHKEY_BOOTSTRAP_PASSWORD']);
    expect(reportOf(given)).toContain(reason);
    expect(reportOf(given)).toContain('Example: LATCHKEY_BOOTSTRAP_PASSWORD=');
    expect(reportOf(given)).not.toContain(password);
  });

  test('cannot have a name that is not allowed', () => {
    expect(reportOf({ LATCHKEY_BOOTSTRAP_USERNAME: 'a b' })).toContain(
      'LATCHKEY_BOOTSTRAP_USERNAME must not contain spaces, control, blank or invisible characters, as U+0020 is.',
    );
  });
});

describe('a combination of variables', () => {
  test.each([
    ['plaintext beyond loopback', BEYOND_LOOPBACK, 'LATCHKEY_TLS_CERT'],
    ['a certificate without its key', { LATCHKEY_TLS_CERT: '/tls/crt' }, 'LATCHKEY_TLS_KEY'],
    ['a key without its certificate', { LATCHKEY_TLS_KEY: '/tls/key' }, 'LATCHKEY_TLS_CERT'],
    ['a client CA without TLS', { LATCHKEY_TLS_CLIENT_CA: '/tls/ca' }, 'LATCHKEY_TLS_CLIENT_CA'],
    ['mTLS callers without a client CA', { ...TLS, LATCHKEY_CALLER_AUTH: 'mtls' }, 'LATCHKEY_CALLER_AUTH'],
    ['callers unsaid beyond loopback', { ...TLS, LATCHKEY_LISTEN: '[::]:50051' }, 'LATCHKEY_CALLER_AUTH'],
    [
      'PostgreSQL without a master key',
      { LATCHKEY_DATABASE_URL: 'postgres://db/latchkey' },
      'LATCHKEY_MASTER_KEY',
    ],
    ['replicas without Redis', { LATCHKEY_REDIS_WAIT_REPLICAS: '1' }, 'LATCHKEY_REDIS_WAIT_REPLICAS'],
    [
      'a cheap bcrypt in production',
      { LATCHKEY_BCRYPT_COST: '9', LATCHKEY_ENV: 'production' },
      'LATCHKEY_BCRYPT_COST',
    ],
    [
      'access tokens that outlive idle sessions',
      { LATCHKEY_SESSION_IDLE_TTL: '15m' },
      'LATCHKEY_ACCESS_TOKEN_TTL',
    ],
    ['idle sessions that outlive sessions', { LATCHKEY_SESSION_MAX_TTL: '6d' }, 'LATCHKEY_SESSION_IDLE_TTL'],
    ['a grace as long as an access token', { LATCHKEY_ACCESS_TOKEN_TTL: '30s' }, 'LATCHKEY_REFRESH_GRACE'],
    [
      'staleness as long as an access token',
      { LATCHKEY_ACCESS_TOKEN_TTL: '5s', LATCHKEY_REFRESH_GRACE: '1s' },
      'LATCHKEY_MAX_STALENESS',
    ],
  ])('with %s is an issue', (_, environment, name) => {
    expect(issuesOf(environment)).toEqual([name]);
  });

  test.each([
    ['plaintext beyond loopback if that is said', { ...BEYOND_LOOPBACK, LATCHKEY_PLAINTEXT: 'anywhere' }],
    ['TLS beyond loopback', { ...BEYOND_LOOPBACK, ...TLS }],
    ['plaintext on a Unix socket', { LATCHKEY_LISTEN: 'unix:/run/latchkey.sock' }],
    ['plaintext on IPv6 loopback', { LATCHKEY_LISTEN: '[::1]:0' }],
    ['sessions that are idle as long as they may be', { LATCHKEY_SESSION_IDLE_TTL: '30d' }],
    ['a cheap bcrypt in development', { LATCHKEY_BCRYPT_COST: '4' }],
  ])('with %s is no issue', (_, environment) => {
    expect(issuesOf(environment)).toEqual([]);
  });

  test('is not checked if one of its variables is invalid', () => {
    expect(issuesOf({ LATCHKEY_LISTEN: 'everywhere', LATCHKEY_ACCESS_TOKEN_TTL: 'long' })).toEqual([
      'LATCHKEY_LISTEN',
      'LATCHKEY_ACCESS_TOKEN_TTL',
    ]);
    expect(issuesOf({ LATCHKEY_ACCESS_TOKEN_TTL: '1500ms' })).toEqual(['LATCHKEY_ACCESS_TOKEN_TTL']);
    expect(issuesOf({ LATCHKEY_BOOTSTRAP_USERNAME: 'a\n' })).toEqual(['LATCHKEY_BOOTSTRAP_USERNAME']);
  });
});

describe('every variable', () => {
  test.each(VARIABLE_NAMES)('%s has a valid example', (name) => {
    const { example } = factsOf(name);
    if (example.startsWith('$(')) return;
    expect(v.safeParse(VARIABLES_SCHEMA, { [name]: example }).success).toBe(true);
  });
});
