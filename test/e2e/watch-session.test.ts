import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { SessionWatchCall } from '../grpc/support/session-watch-call.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const UNAVAILABLE = 14;
const PASSWORD = 'correct horse battery';
const SECOND = { seconds: 1, nanos: 0 };

describe('two processes on one Redis', () => {
  let dataDir: string;
  let opened: (() => unknown)[];
  let redis: RedisServer;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-watch-session-'));
    opened = [];
    redis = await RedisServer.start();
    opened.push(() => redis.stop());
  });

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async () => {
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    });
    opened.push(() => service.stop());
    const client = new IdentityClient(service.address);
    const sessions = new SessionServiceClient(service.address, credentials.createInsecure());
    opened.push(() => {
      client.close();
      sessions.close();
    });
    const signIn = async () => (await client.login({ password: PASSWORD })).tokens?.accessToken ?? '';
    const watch = (token: string) => new SessionWatchCall(sessions, token, SECOND);
    const logout = (token: string) => client.logout({ $case: 'accessToken', value: token });
    const metrics = async () => (await fetch(`${service.metricsUrl}/metrics`)).text();
    return { service, signIn, watch, logout, metrics };
  };

  test('push an end on one to the watcher at the other, and tell it to a watcher that comes later', async () => {
    const [one, other] = [await start(), await start()];
    const token = await one.signIn();
    const stream = await one.watch(token).alive();
    expect(await one.metrics()).toContain('latchkey_session_watchers 1');
    await other.logout(token);
    expect(await stream.endReason()).toBe('LOGGED_OUT');
    expect(await other.watch(token).endReason()).toBe('LOGGED_OUT');
    expect(await one.metrics()).toContain('latchkey_session_watchers 0');
  }, 60_000);

  test('lose no end when one of them stops', async () => {
    const [one, other] = [await start(), await start()];
    const token = await one.signIn();
    const stream = await one.watch(token).alive();
    await one.service.stop();
    expect(await stream.ended()).toMatchObject({ code: UNAVAILABLE, reason: 'DRAINING' });
    await other.logout(token);
    expect(await other.watch(token).endReason()).toBe('LOGGED_OUT');
  }, 60_000);

  test('do not say that a session is living while Redis is frozen, and push the end after it thaws', async () => {
    const { signIn, watch, logout } = await start();
    const token = await signIn();
    const stream = await watch(token).alive();
    redis.freeze();
    await eventually(() => stream.last?.asOf === undefined, 10_000);
    expect(await watch(token).ended()).toMatchObject({ code: UNAVAILABLE, reason: 'STORE_UNAVAILABLE' });
    redis.thaw();
    await eventually(() => stream.last?.asOf !== undefined, 10_000);
    await eventually(async () => (await logout(token).catch(() => undefined)) !== undefined, 10_000);
    expect(await stream.endReason()).toBe('LOGGED_OUT');
  }, 60_000);

  test('tell that a session is gone after Redis was wiped', async () => {
    const { signIn, watch } = await start();
    const stream = await watch(await signIn()).alive();
    await redis.kill();
    await redis.resume();
    expect(await stream.endReason()).toBe('UNSPECIFIED');
  }, 60_000);
});
