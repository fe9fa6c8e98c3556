import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { freePort, RedisServer } from '../support/redis-server.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const LOST = 'correct horse battery';
const UNAUTHENTICATED = 16;

describe('an operator who lost the admin password', () => {
  let folder: string;
  let dataDir: string;
  let opened: (() => unknown)[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-reset-'));
    dataDir = join(folder, 'data');
    opened = [];
  });

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const settings = (given: Record<string, string>) => ({
    ...COMPILE_CACHE,
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BCRYPT_COST: '4',
    LATCHKEY_LISTEN: '127.0.0.1:0',
    LATCHKEY_METRICS_LISTEN: 'off',
    ...given,
  });
  const start = async (given: Record<string, string> = {}) => {
    const service = await LatchkeyProcess.start(settings({ LATCHKEY_BOOTSTRAP_PASSWORD: LOST, ...given }));
    opened.push(() => service.stop());
    const client = new IdentityClient(service.address);
    opened.push(() => client.close());
    return { service, client };
  };
  const startRedis = async () => {
    const redis = await RedisServer.start();
    opened.push(() => redis.stop());
    return redis;
  };
  /** Runs `node dist/main.js` with arguments, from the sources. */
  const run = async (args: readonly string[], given: Record<string, string> = {}) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: settings(given) });
    opened.push(() => child.kill('SIGKILL'));
    const code = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [said, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, said, errors };
  };
  const resetAdmin = async (given: Record<string, string> = {}, ...args: string[]) => {
    const ended = await run(['reset-admin', ...args], given);
    return { ...ended, password: / has a new password: (\S+)\n/.exec(ended.said)?.[1] ?? '' };
  };

  test('sets a new one beside a running service, whose sessions of the admin end at once', async () => {
    const redis = await startRedis();
    const { client } = await start({ LATCHKEY_REDIS_URL: redis.url });
    const { tokens } = await client.login({ password: LOST });
    const { code, errors, said, password } = await resetAdmin({ LATCHKEY_REDIS_URL: redis.url });
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(said).toContain('All sessions of admin have ended.');
    await expect(client.login({ password })).resolves.toBeDefined();
    await expect(client.login({ password: LOST })).rejects.toMatchObject({ code: UNAUTHENTICATED });
    const refreshed = client.refresh(tokens?.refreshToken ?? '');
    await expect(refreshed).rejects.toMatchObject({ code: UNAUTHENTICATED });
    const validated = await client.validate(tokens?.accessToken ?? '', { consistency: 2 });
    expect(validated.verdict?.$case).toBe('rejection');
  }, 60_000);

  test('must stop a service that keeps sessions in memory first, and then sets a new one', async () => {
    const { service, client } = await start();
    const refused = await resetAdmin();
    expect(refused).toMatchObject({ code: 1, said: '' });
    expect(refused.errors).toMatch(
      /^latchkey: LATCHKEY_DATA_DIR: .* Stop the service, run this command again, and start the service\.\n$/,
    );
    await expect(client.login({ password: LOST })).resolves.toBeDefined();
    await service.stop();
    const { code, password, said } = await resetAdmin();
    expect(code).toBe(0);
    expect(said).toContain('because LATCHKEY_REDIS_URL is not set. They ended when it stopped.');
    const { client: next } = await start();
    await expect(next.login({ password })).resolves.toBeDefined();
  }, 60_000);

  test('is warned that a session may still be live, and gets the new password', async () => {
    const redis = await startRedis();
    const environment = { LATCHKEY_REDIS_URL: redis.url, LATCHKEY_REDIS_WAIT_REPLICAS: '1' };
    const { client } = await start(environment);
    const { code, errors, password } = await resetAdmin(environment);
    expect(code).toBe(1);
    expect(errors).toContain('0 of 1 replicas confirmed');
    expect(errors).toContain('Sessions of admin may continue until this command succeeds. Run it again.');
    await expect(client.login({ password })).resolves.toBeDefined();
  }, 60_000);

  test('changes nothing if Redis, the master key or the user is not that of the service', async () => {
    const masterKey = randomBytes(32).toString('base64url');
    const { service } = await start({ LATCHKEY_MASTER_KEY: masterKey });
    await service.stop();
    const away = `redis://127.0.0.1:${await freePort()}`;
    const noRedis = await resetAdmin({ LATCHKEY_MASTER_KEY: masterKey, LATCHKEY_REDIS_URL: away });
    expect(noRedis).toMatchObject({ code: 1, said: '' });
    expect(noRedis.errors).toMatch(/^latchkey: LATCHKEY_REDIS_URL: .*ECONNREFUSED/);
    const otherKey = await resetAdmin({ LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url') });
    expect(otherKey.errors).toMatch(/^latchkey: LATCHKEY_MASTER_KEY: .*[0-9a-f]{8}.* is not in/);
    const unknownUser = await resetAdmin({ LATCHKEY_MASTER_KEY: masterKey }, 'root');
    expect(unknownUser).toMatchObject({ code: 1, said: '' });
    expect(unknownUser.errors).toBe('latchkey: There is no user root. Users with the role admin: admin.\n');
    const { client } = await start({ LATCHKEY_MASTER_KEY: masterKey });
    await expect(client.login({ password: LOST })).resolves.toBeDefined();
  }, 60_000);

  test('creates no database and no key in another folder', async () => {
    const { code, errors } = await resetAdmin();
    expect(code).toBe(1);
    expect(errors).toMatch(/^latchkey: LATCHKEY_DATA_DIR: .*latchkey\.db does not exist\. /);
    expect(existsSync(dataDir)).toBe(false);
  }, 30_000);

  test('is refused a data folder that others may write in, as the service is', async () => {
    const { service } = await start();
    await service.stop();
    chmodSync(dataDir, 0o777);
    const { code, errors, said } = await resetAdmin();
    expect({ code, said }).toEqual({ code: 1, said: '' });
    expect(errors).toMatch(/^latchkey: LATCHKEY_DATA_DIR: .* can be changed by others \(mode 777\)/);
  }, 60_000);

  test('gets the usage for an unknown argument, and nothing is served', async () => {
    const { code, errors } = await run(['--help']);
    expect(errors).toContain('node dist/main.js reset-admin [username]');
    expect(code).toBe(2);
  }, 10_000);
});
