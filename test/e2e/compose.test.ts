import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { readConfig } from '../../src/config.ts';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { exampleVariables, MissingVariable, readCompose } from '../support/compose-file.ts';
import { COMPOSE_VARIABLES, ComposeRedis } from '../support/compose-redis.ts';
import { RedisStores } from '../support/redis-stores.ts';
import { HOUR } from '../support/sessions.ts';

// There may be no Docker where the tests run: what the files say is read, and the Redis they describe is started
// from the machine's own redis-server.

const variables = COMPOSE_VARIABLES;
const PASSWORD = variables.REDIS_PASSWORD;
const root = path.resolve(import.meta.dirname, '../..');
const compose = readCompose(variables);
const service = (name: string) => compose.services[name] ?? {};

describe('docker-compose.yml', () => {
  test('gives the service a configuration that it starts with', () => {
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

  test('starts nothing without its secrets, and says which is missing and where it belongs', () => {
    expect(exampleVariables()).toStrictEqual(Object.keys(variables));
    for (const name of Object.keys(variables)) {
      const missing = () => readCompose({ ...variables, [name]: '' });
      expect(missing).toThrow(MissingVariable);
      expect(missing).toThrow(new RegExp(`set ${name} in .env, see .env.example`));
    }
  });

  test('holds no secret of its own', () => {
    const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
    for (const [, value] of text.matchAll(/(?:PASSWORD|MASTER_KEY|AUTH): (.+)/g)) {
      if (value !== 'open') expect(value).toMatch(/^\$\{\w+:\?/);
    }
    expect(readFileSync(path.join(root, '.env.example'), 'utf8')).not.toMatch(/^\w+=.+/m);
  });

  test('waits for stores that answer, and is reached from this machine alone', () => {
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

  test('runs the service as nobody special, on Node 24, with a health check', () => {
    expect(dockerfile.match(/^FROM (\S+)/gm)).toStrictEqual(Array(3).fill('FROM node:24-bookworm-slim'));
    expect(image).toMatch(/^USER node$/m);
    expect(image).toMatch(/^HEALTHCHECK /m);
    expect(image).toMatch(/^CMD \["node", .*"dist\/main\.js"\]$/m);
  });

  test('carries no tools: only what production needs is installed, and only dist is copied', () => {
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

  test('writes every ending to disk before it answers, and evicts nothing', async () => {
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
  ])('lets nobody in %s', async (_who, user) => {
    const stranger = new Redis(redis.server.port, '127.0.0.1', { ...user, retryStrategy: () => null });
    stranger.on('error', () => undefined);
    await expect(stranger.get('lk:probe')).rejects.toThrow(/NOAUTH|WRONGPASS/);
    stranger.disconnect();
  });

  test.each([
    ['a key of somebody else', ['GET', 'other:key']],
    ['all keys', ['KEYS', '*']],
    ['wiping', ['FLUSHALL']],
    ['settings', ['CONFIG', 'GET', '*']],
    ['users', ['ACL', 'LIST']],
    ['passwords', ['ACL', 'GETUSER', 'latchkey']],
    ['other connections', ['CLIENT', 'LIST']],
    ['publishing', ['PUBLISH', 'lk:x', 'y']],
    ['scripts in other databases', ['SELECT', '1']],
  ] as const)('keeps latchkey from %s', async (_what, [command, ...args]) => {
    const latchkey = new Redis(redis.server.port, '127.0.0.1', { username: 'latchkey', password: PASSWORD });
    await expect(latchkey.call(command, ...args)).rejects.toThrow(/NOPERM/);
    latchkey.disconnect();
  });

  sessionStoreLaw('Redis of docker-compose.yml', () => stores.sessions);
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

  test('refused latchkey nothing but what was tried here', async () => {
    const entries = await redis.asTester((it) => it.call('ACL', 'LOG', '1000'));
    const refused = (entries as (readonly unknown[])[])
      .map((entry) => Object.fromEntries(pairs(entry)))
      .filter(({ reason }) => reason !== 'auth')
      .map(({ object }) => String(object));
    // ioredis tells Redis its version, which a Redis of 7.2 or later would note for CLIENT LIST.
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

/** What the image sets of itself. */
function imageEnvironment(): Record<string, string> {
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  return Object.fromEntries(
    [...dockerfile.matchAll(/\b(LATCHKEY_\w+)=(\S+\/\S+|\d\S+)/g)].map(([, k, v]) => [k, v]),
  );
}
