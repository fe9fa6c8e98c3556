import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { SessionWatchCall } from '../grpc/support/session-watch-call.ts';
import { eventually } from '../support/eventually.ts';
import { ServicesOnRedis } from '../support/services-on-redis.ts';

const UNAVAILABLE = 14;
const PASSWORD = 'correct horse battery';
const SECOND = { seconds: 1, nanos: 0 };

describe('two processes on one Redis', () => {
  let services: ServicesOnRedis;

  beforeEach(async () => {
    services = await ServicesOnRedis.open();
  });

  afterEach(() => services.close());

  const start = async () => {
    const { service, identity } = await services.start(PASSWORD);
    const sessions = new SessionServiceClient(service.address, credentials.createInsecure());
    services.onClose(() => sessions.close());
    const signIn = async () => (await identity.login({ password: PASSWORD })).tokens?.accessToken ?? '';
    const watch = (token: string) => new SessionWatchCall(sessions, token, SECOND);
    const logout = (token: string) => identity.logout({ $case: 'accessToken', value: token });
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
    services.redis.freeze();
    await eventually(() => stream.last?.asOf === undefined, 10_000);
    expect(await watch(token).ended()).toMatchObject({ code: UNAVAILABLE, reason: 'STORE_UNAVAILABLE' });
    services.redis.thaw();
    await eventually(() => stream.last?.asOf !== undefined, 10_000);
    await eventually(async () => (await logout(token).catch(() => undefined)) !== undefined, 10_000);
    expect(await stream.endReason()).toBe('LOGGED_OUT');
  }, 60_000);

  test('tell that a session is gone after Redis was wiped', async () => {
    const { signIn, watch } = await start();
    const stream = await watch(await signIn()).alive();
    await services.redis.kill();
    await services.redis.resume();
    expect(await stream.endReason()).toBe('UNSPECIFIED');
  }, 60_000);
});
