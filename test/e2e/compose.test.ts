import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { readBffConfig } from '../../src/bff/config/bff-config.ts';
import { readConfig } from '../../src/config.ts';
import { auditOutboxLaw } from '../conformance/audit-outbox.ts';
import { loginAttemptsLaw } from '../conformance/login-attempts.ts';
import { outdatedSessionsLaw } from '../conformance/outdated-sessions.ts';
import { passedDeadlinesLaw } from '../conformance/passed-deadlines.ts';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { sessionListLaw } from '../conformance/session-list.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { shortenedSessionsLaw } from '../conformance/shortened-sessions.ts';
import { exampleVariables, MissingVariable, readCompose } from '../support/compose-file.ts';
import { COMPOSE_VARIABLES, ComposeRedis } from '../support/compose-redis.ts';
import { RedisStores } from '../support/redis-stores.ts';
import { HOUR } from '../support/sessions.ts';

// Docker may be missing where the tests run. So the tests parse the files, and start the Redis that they describe with
// the machine's own redis-server.

const variables = COMPOSE_VARIABLES;
const PASSWORD = variables.REDIS_PASSWORD;
const root = path.resolve(import.meta.dirname, '../..');
const compose = readCompose(variables);
const service = (name: string) => compose.services[name] ?? {};

describe('docker-compose.yml', () => {
  test('gives the service a valid configuration', () => {
    const outcome = readConfig(
      { NODE_ENV: 'production', ...imageEnvironment(), ...service('latchkey').environment },
      2,
    );
    expect(outcome).toMatchObject({
      kind: 'config',
      config: {
        environment: 'production',
        redis: { kind: 'single', username: 'latchkey', password: PASSWORD, node: { host: 'redis' } },
      },
    });
  });

  test('gives the BFF a valid configuration, and the address that the service puts into QR codes', () => {
    const { environment = {} } = service('bff');
    const outcome = readBffConfig(environment);
    expect(outcome).toMatchObject({
      kind: 'config',
      config: { listen: { port: 8080 }, service: { addresses: ['latchkey:50051'], isPlaintext: true } },
    });
    expect(environment['LATCHKEY_BFF_PUBLIC_ORIGIN']).toBe(
      service('latchkey').environment?.['LATCHKEY_PUBLIC_ORIGIN'],
    );
    for (const port of service('bff').ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('starts nothing without its secrets, and names the missing one and where to set it', () => {
    expect(exampleVariables()).toStrictEqual(Object.keys(variables));
    for (const name of Object.keys(variables)) {
      const missing = () => readCompose({ ...variables, [name]: '' });
      expect(missing).toThrow(MissingVariable);
      expect(missing).toThrow(new RegExp(`set ${name} in .env, see .env.example`));
    }
  });

  test('contains no secrets', () => {
    const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
    for (const [, value] of text.matchAll(/(?:PASSWORD|MASTER_KEY|AUTH): (.+)/g)) {
      if (value !== 'open') expect(value).toMatch(/^\$\{\w+:\?/);
    }
    expect(readFileSync(path.join(root, '.env.example'), 'utf8')).not.toMatch(/^\w+=.+/m);
  });

  test('waits for the stores, and can be reached only from this machine', () => {
    expect(service('latchkey').depends_on).toStrictEqual({
      redis: { condition: 'service_healthy' },
      postgres: { condition: 'service_healthy' },
    });
    for (const store of ['redis', 'postgres']) {
      expect(service(store).healthcheck?.test.length).toBeGreaterThan(1);
      expect(service(store)).toMatchObject({ networks: ['stores'] });
      expect(service(store).ports).toBeUndefined();
    }
    expect(compose.networks['stores']).toMatchObject({ internal: true });
    for (const port of service('latchkey').ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describe('the Dockerfile', () => {
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  test('runs the service unprivileged, on Node 24, with a health check', () => {
    expect(dockerfile.match(/^FROM (\S+)/gm)).toStrictEqual(Array(3).fill('FROM node:24-bookworm-slim'));
    expect(image).toMatch(/^USER node$/m);
    expect(image).toMatch(/^HEALTHCHECK /m);
    expect(image).toMatch(/^CMD \["node", .*"dist\/main\.js"\]$/m);
  });

  test('contains only dist and what production needs', () => {
    expect(dockerfile).toContain('npm ci --omit=dev --omit=optional');
    expect(image.match(/^COPY .*/gm)).toStrictEqual([
      'COPY package.json LICENSE ./',
      'COPY --from=dependencies /app/node_modules node_modules',
      'COPY --from=build /app/dist dist',
    ]);
  });
});

describe('the Redis of docker-compose.yml', () => {
  let redis: ComposeRedis;
  let stores: RedisStores;

  beforeAll(async () => {
    redis = await ComposeRedis.start();
    stores = await RedisStores.open(redis.address);
  });

  afterAll(async () => {
    stores.close();
    await redis.stop();
  });

  test('writes every end to disk before it answers, and evicts nothing', async () => {
    const settings = await redis.asTester((it) => it.config('GET', 'append*', 'maxmemory-policy'));
    expect(Object.fromEntries(pairs(settings as readonly unknown[]))).toMatchObject({
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
    });
  });

  test.each([
    ['without a user', {}],
    ['as default without a password', { username: 'default', password: '' }],
    ['as default with the password of latchkey', { username: 'default', password: PASSWORD }],
    ['with the password of latchkey alone', { password: PASSWORD }],
  ])('refuses access for %s', async (_who, user) => {
    const otherClient = new Redis(redis.server.port, '127.0.0.1', { ...user, retryStrategy: () => null });
    otherClient.on('error', () => undefined);
    await expect(otherClient.get('lk:probe')).rejects.toThrow(/NOAUTH|WRONGPASS/);
    otherClient.disconnect();
  });

  test.each([
    ['keys without its prefix', ['GET', 'other:key']],
    ['listing keys', ['KEYS', '*']],
    ['wiping data', ['FLUSHALL']],
    ['reading settings', ['CONFIG', 'GET', '*']],
    ['listing users', ['ACL', 'LIST']],
    ['reading passwords', ['ACL', 'GETUSER', 'latchkey']],
    ['listing connections', ['CLIENT', 'LIST']],
    ['publishing', ['PUBLISH', 'lk:x', 'y']],
    ['selecting another database', ['SELECT', '1']],
  ] as const)('denies latchkey %s', async (_what, [command, ...args]) => {
    const latchkey = new Redis(redis.server.port, '127.0.0.1', { username: 'latchkey', password: PASSWORD });
    await expect(latchkey.call(command, ...args)).rejects.toThrow(/NOPERM/);
    latchkey.disconnect();
  });

  sessionStoreLaw('Redis of docker-compose.yml', () => stores.sessions);
  loginAttemptsLaw('Redis of docker-compose.yml', () => stores.attempts);
  sessionListLaw('Redis of docker-compose.yml', () => stores.sessions);
  passedDeadlinesLaw('Redis of docker-compose.yml', () => stores.sessions);
  outdatedSessionsLaw('Redis of docker-compose.yml', () => stores.sessions);
  shortenedSessionsLaw('Redis of docker-compose.yml', () => stores.sessions);
  revocationLogLaw('Redis of docker-compose.yml', async () => {
    await redis.asTester((it) => it.flushall());
    const opened = await RedisStores.open(redis.address, { retentionMs: HOUR });
    return {
      log: opened.log,
      close: async () => {
        await opened.log.close();
        opened.close();
      },
    };
  });

  auditOutboxLaw('Redis of docker-compose.yml', async (maxBacklog) => {
    await redis.asTester((it) => it.flushall());
    const opened = await RedisStores.open(redis.address, { maxBacklog });
    return { outbox: opened.outbox, close: () => opened.close() };
  });

  test('refused latchkey only the commands that these tests tried', async () => {
    const entries = await redis.asTester((it) => it.call('ACL', 'LOG', '1000'));
    const refused = (entries as (readonly unknown[])[])
      .map((entry) => Object.fromEntries(pairs(entry)))
      .filter(({ reason }) => reason !== 'auth')
      .map(({ object }) => String(object));
    // ioredis sends its version, which a Redis of 7.2 or later would show in CLIENT LIST.
    const tried = [
      'acl|getuser',
      'acl|list',
      'client|list',
      'config|get',
      'flushall',
      'keys',
      'other:key',
      'publish',
      'select',
    ];
    expect(refused.filter((object) => object !== 'client|setinfo').sort()).toStrictEqual(tried);
  });
});

function* pairs(flat: readonly unknown[]): Generator<readonly [string, unknown]> {
  for (let index = 0; index < flat.length; index += 2) yield [String(flat[index]), flat[index + 1]];
}

/** The environment variables of the image. */
function imageEnvironment(): Record<string, string> {
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  return Object.fromEntries(
    [...dockerfile.matchAll(/\b(LATCHKEY_\w+)=(\S+\/\S+|\d\S+)/g)].map(([, k, v]) => [k, v]),
  );
}
