import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import type { SignedIn } from '../../src/gen/latchkey/v1/identity.ts';
import { EndReason } from '../../src/gen/latchkey/v1/session.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

function bearer({ tokens }: SignedIn): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${tokens?.accessToken}`);
  return metadata;
}

describe('the service as a process', () => {
  let dataDir: string;
  let opened: (() => unknown)[];

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-service-'));
    opened = [];
  });

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (environment: Record<string, string> = {}) => {
    const service = await LatchkeyProcess.start({ LATCHKEY_DATA_DIR: dataDir, ...environment });
    opened.push(() => service.stop());
    const client = new IdentityClient(service.address);
    opened.push(() => client.close());
    return { service, client };
  };
  const startRedis = async (...flags: string[]) => {
    const redis = await RedisServer.start(...flags);
    opened.push(() => redis.stop());
    return redis;
  };
  const ready = (service: LatchkeyProcess) => async () =>
    (await fetch(`${service.metricsUrl}/readyz`)).status === 200;
  const generatedPassword = (service: LatchkeyProcess) =>
    /first user: admin, password (\S+)/.exec(service.errors)?.[1] ?? '';

  test('creates the first user, shows the password once, and keeps users and keys after a restart', async () => {
    const first = await start();
    const password = generatedPassword(first.service);
    const { tokens } = await first.client.login({ password });
    expect(first.service.errors).toContain('they do not survive a restart');
    expect(first.service.errors).toContain('LATCHKEY_REDIS_URL');
    expect(await first.service.stop()).toMatchObject({ code: 0 });

    const second = await start();
    expect(generatedPassword(second.service)).toBe('');
    await expect(second.client.login({ password })).resolves.toBeDefined();
    const { verdict } = await second.client.validate(tokens?.accessToken ?? '');
    expect(verdict).toMatchObject({ $case: 'rejection', value: { endReason: EndReason.UNSPECIFIED } });
    expect(JSON.stringify([...first.service.log, ...second.service.log])).not.toContain(password);
  }, 30_000);

  test('does not let a removed admin restore the role', async () => {
    const { service, client } = await start({ LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery' });
    const users = new UserServiceClient(service.address, credentials.createInsecure());
    opened.push(() => users.close());
    const attempt = { password: 'correct horse battery' };
    const first = bearer(await client.login(attempt));
    const other = { username: 'other', roles: ['admin'] };
    const credential = { $case: 'password' as const, value: attempt.password };
    const userId = await new Promise<string>((resolve, reject) => {
      users.createUser({ ...other, credential }, first, (error, answer) =>
        error === null ? resolve(answer.user?.userId ?? '') : reject(error),
      );
    });
    const second = bearer(await client.login({ ...attempt, username: 'other' }));
    const setRoles = (roles: string[], caller: Metadata) =>
      new Promise<number>((resolve) => {
        const nothing = { username: '', devicePolicy: undefined, etag: '' };
        const change = { userId, roles, updateMask: ['roles'], ...nothing };
        users.updateUser(change, caller, (error) => resolve(error?.code ?? 0));
      });
    expect(await setRoles(['admin', 'editor'], second)).toBe(0);
    expect(await setRoles([], first)).toBe(0);
    expect(await setRoles(['admin'], second)).toBe(PERMISSION_DENIED);
  }, 30_000);

  test('with sessions in memory is alone on its data folder until its process ends', async () => {
    const first = await start();
    const second = await LatchkeyProcess.run({ LATCHKEY_DATA_DIR: dataDir });
    expect(second.code).toBe(1);
    expect(second.errors).toContain(dataDir);
    expect(second.errors).toContain('LATCHKEY_REDIS_URL');
    expect(second.errors).toContain('LATCHKEY_DATA_DIR');
    await first.service.stop('SIGKILL');
    await expect(start()).resolves.toBeDefined();
  }, 30_000);

  test('keeps sessions after a restart with Redis, and applies ends from the time between', async () => {
    const redis = await startRedis();
    const environment = {
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
    };
    const stays = await start(environment);
    const leaves = await start(environment);
    const [kept, ended] = await Promise.all(
      [1, 2].map(() => leaves.client.login({ password: 'correct horse battery' })),
    );
    await leaves.service.stop();
    await stays.client.logout({ $case: 'refreshToken', value: ended?.tokens?.refreshToken ?? '' });
    const back = await start(environment);
    expect((await back.client.validate(kept?.tokens?.accessToken ?? '')).verdict?.$case).toBe('identity');
    expect((await back.client.validate(ended?.tokens?.accessToken ?? '')).verdict).toMatchObject({
      $case: 'rejection',
      value: { endReason: EndReason.LOGGED_OUT },
    });
    await expect(back.client.refresh(kept?.tokens?.refreshToken ?? '')).resolves.toBeDefined();
  }, 30_000);

  test('reports all configuration problems at once and exits with their code', async () => {
    const { code, errors } = await LatchkeyProcess.run({
      LATCHKEY_LISTEN: '0.0.0.0:50051',
      LATCHKEY_ACCESS_TOKEN_TTL: 'soon',
      LATCHKEY_REDIS_ULR: 'redis://127.0.0.1',
      LATCHKEY_MASTER_KEY: 'c2hvcnQ',
    });
    expect(code).toBe(78);
    for (const name of [
      'LATCHKEY_LISTEN',
      'LATCHKEY_ACCESS_TOKEN_TTL',
      'LATCHKEY_REDIS_URL',
      'LATCHKEY_MASTER_KEY',
    ]) {
      expect(errors).toContain(name);
    }
    expect(errors).not.toContain('c2hvcnQ');
  });

  test('with a frozen Redis accepts no stale token, does not hang, and recovers without a restart', async () => {
    const redis = await startRedis();
    const { service, client } = await start({
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
      LATCHKEY_MAX_STALENESS: '1s',
    });
    const { tokens } = await client.login({ password: 'correct horse battery' });
    const accessToken = tokens?.accessToken ?? '';
    const refreshToken = tokens?.refreshToken ?? '';
    expect((await client.validate(accessToken)).verdict?.$case).toBe('identity');
    redis.freeze();
    const refused = { code: UNAVAILABLE };
    await expect(client.refresh(refreshToken)).rejects.toMatchObject(refused);
    await expect(client.logout({ $case: 'refreshToken', value: refreshToken })).rejects.toMatchObject(
      refused,
    );
    await expect(client.validate(accessToken, { consistency: Consistency.STRONG })).rejects.toMatchObject(
      refused,
    );
    await eventually(async () =>
      client.validate(accessToken).then(
        () => false,
        ({ code }) => code === UNAVAILABLE,
      ),
    );
    await eventually(async () => !(await ready(service)()));
    redis.thaw();
    await eventually(ready(service));
    await client.logout({ $case: 'refreshToken', value: refreshToken });
    expect((await client.validate(accessToken)).verdict?.$case).toBe('rejection');
  }, 60_000);

  test('with a wiped Redis accepts neither ended nor live sessions from before', async () => {
    const redis = await startRedis();
    const environment = {
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
    };
    const { service, client } = await start(environment);
    const [kept, ended] = await Promise.all(
      [1, 2].map(() => client.login({ password: 'correct horse battery' })),
    );
    await client.logout({ $case: 'refreshToken', value: ended?.tokens?.refreshToken ?? '' });
    await redis.kill();
    await redis.resume();
    await eventually(ready(service));
    const other = await start(environment);
    for (const each of [client, other.client]) {
      for (const login of [kept, ended]) {
        await eventually(async () => {
          const { verdict } = await each.validate(login?.tokens?.accessToken ?? '');
          return verdict?.$case === 'rejection';
        });
        await expect(each.refresh(login?.tokens?.refreshToken ?? '')).rejects.toMatchObject({
          code: UNAUTHENTICATED,
        });
      }
    }
    await eventually(async () => {
      const { verdict } = await other.client.validate(ended?.tokens?.accessToken ?? '');
      return verdict?.$case === 'rejection' && verdict.value.endReason === EndReason.LOGGED_OUT;
    });
    await expect(client.login({ password: 'correct horse battery' })).resolves.toBeDefined();
  }, 60_000);

  test('starts without Redis, reports that sign-in is not ready, and serves once Redis is there', async () => {
    const redis = await startRedis();
    await redis.kill();
    const { service, client } = await start({
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
    });
    expect(await ready(service)()).toBe(false);
    await expect(client.login({ password: 'correct horse battery' })).rejects.toMatchObject({
      code: UNAVAILABLE,
    });
    await redis.resume();
    await eventually(ready(service));
    await expect(client.login({ password: 'correct horse battery' })).resolves.toBeDefined();
  }, 60_000);
});
