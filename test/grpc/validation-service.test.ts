import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { CallerTokens } from '../../src/grpc/interceptors/caller-auth.ts';
import { rejected } from '../../src/validator/verdict.ts';
import { eventually } from '../support/eventually.ts';
import { validateByName } from './support/fakes.ts';
import { frame, RawClient } from './support/raw-client.ts';
import { call } from './support/unary-call.ts';
import {
  publicJwk,
  startValidationServer,
  type ValidationServer,
  type ValidationServerOptions,
} from './support/validation-server.ts';
import { WatchCall, type WatchCallOptions } from './support/watch-call.ts';

let server: ValidationServer;
afterEach(() => server.close());

const start = async (options?: ValidationServerOptions) => {
  server = await startValidationServer(options);
};
const watch = (request: ConstructorParameters<typeof WatchCall>[1] = {}, options: WatchCallOptions = {}) =>
  new WatchCall(server.client, request, options);
const bearer = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });
const often = { heartbeatInterval: { seconds: 0, nanos: 100_000_000 } };

describe('GetSigningKeys', () => {
  test('returns the public keys and what else a validator needs', async () => {
    await start();
    const { client } = server;
    const { ok } = await call(client, client.getSigningKeys, {});
    expect(ok).toEqual({
      jwks: JSON.stringify({ keys: [publicJwk] }),
      maxAge: { seconds: 60, nanos: 0 },
      issuer: 'https://latchkey.test',
      audiences: ['latchkey', 'shop'],
      maxTokenLife: { seconds: 900, nanos: 500_000_000 },
    });
  });

  test('requires a caller who may validate tokens', async () => {
    await start({ callerAuth: 'token' });
    const { client } = server;
    expect(await call(client, client.getSigningKeys, {})).toMatchObject({ reason: 'CALLER_UNAUTHENTICATED' });
    expect(await call(client, client.getSigningKeys, {}, bearer('service'))).toHaveProperty('ok');
  });
});

describe('WatchRevocations', () => {
  test('sends the past revocations, then new ones, and their freshness', async () => {
    await start({ endings: 1_001 });
    const stream = await watch().current();
    expect(stream.messages.map(({ revocations }) => revocations.length)).toEqual([1_000, 1]);
    expect(stream.messages[0]).toMatchObject({ start: { resumed: false }, freshness: undefined });
    expect(stream.last).toMatchObject({ start: undefined, freshness: { revision: stream.last.revision } });
    const sessionId = await server.endSession();
    await eventually(() => stream.sessionIds.includes(sessionId));
    expect(stream.last.freshness).toBeDefined();
    expect(new Set(stream.sessionIds).size).toBe(1_002);
    stream.cancel();
  });

  test('resumes after a revision', async () => {
    await start({ endings: 3 });
    const first = await watch().current();
    first.cancel();
    const sessionId = await server.endSession();
    const second = watch(first.place);
    await eventually(() => second.sessionIds.length > 0);
    expect(second.sessionIds).toEqual([sessionId]);
    expect(second.messages[0]?.start).toMatchObject({ resumed: true });
    second.cancel();
  });

  test('sends a heartbeat at the requested interval, as fresh as the follower', async () => {
    await start();
    const stream = watch(often);
    await eventually(() => stream.messages.length >= 4);
    const [first, ...others] = stream.messages;
    const ages = others.map(({ freshness }) => freshness?.asOfMonotonic);
    expect(new Set(ages.map((age) => JSON.stringify(age))).size).toBe(others.length);
    expect(first?.start?.openedAt).toBeDefined();
    expect(others.every(({ revocations, start }) => revocations.length === 0 && start === undefined)).toBe(
      true,
    );
    stream.cancel();
  });

  test.each([
    ['after_revision', { afterRevision: 'x', coveredSince: new Date(0) }],
    ['covered_since', { afterRevision: '1-0' }],
    ['covered_since', { coveredSince: new Date(0) }],
    ['heartbeat_interval', { heartbeatInterval: { seconds: 0, nanos: 99_999_999 } }],
    ['heartbeat_interval', { heartbeatInterval: { seconds: 10, nanos: 1 } }],
    ['heartbeat_interval', { heartbeatInterval: { seconds: -1, nanos: 0 } }],
  ])('refuses an invalid %s', async (field, request) => {
    await start();
    expect(await watch(request).ended()).toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  test('refuses a malformed message', async () => {
    await start();
    const raw = new RawClient(server.running.address);
    const headers = { ':path': '/latchkey.v1.ValidationService/WatchRevocations' };
    expect(await raw.send(frame(Buffer.from([0xff])), headers)).toMatchObject({
      grpcStatus: status.INVALID_ARGUMENT,
      detailed: true,
    });
    await raw.close();
  });

  test('removes the subscriber when the caller cancels or its deadline passes', async () => {
    await start();
    const cancelled = await watch().current();
    const late = watch({}, { deadlineMs: 1_000 });
    await late.current();
    expect(server.subscriptions.size).toBe(2);
    cancelled.cancel();
    // The caller may notice it before the answer of the server arrives: then there is no reason.
    expect(await late.ended()).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await eventually(() => server.subscriptions.size === 0);
    await eventually(() => server.environment.callMetrics.calls.length === 2);
    expect(server.environment.callMetrics.calls.sort()).toEqual(['WatchRevocations 1', 'WatchRevocations 4']);
    expect(server.environment.log.at('error')).toEqual([]);
  });

  test('ends for a reader that takes nothing, which can resume after what it took', async () => {
    await start({ endings: 60_000 });
    const slow = watch();
    await eventually(() => slow.messages.length > 0);
    slow.pause();
    const others = [await watch().current(), await watch().current()];
    expect(server.subscriptions.size).toBe(3);
    server.skip(10_000);
    await eventually(() => server.subscriptions.size === 2);
    const sessionId = await server.endSession();
    for (const other of others) await eventually(() => other.sessionIds.at(-1) === sessionId);
    slow.resume();
    expect(await slow.ended()).toMatchObject({ code: status.ABORTED, reason: 'WATCH_TOO_SLOW' });
    expect(slow.sessionIds.length).toBeLessThan(60_000);
    const again = await watch(slow.place).current();
    expect(again.messages[0]?.start?.resumed).toBe(true);
    expect([...slow.sessionIds, ...again.sessionIds]).toEqual(others[0]?.sessionIds);
    for (const stream of [...others, again]) stream.cancel();
  }, 30_000);

  test('ends with DRAINING when the server drains', async () => {
    await start();
    const streams = [await watch().current(), await watch().current()];
    expect(await server.running.server.drain({ delayMs: 0, timeoutMs: 5_000 })).toBe(true);
    for (const stream of streams) {
      expect(await stream.ended()).toMatchObject({ code: status.UNAVAILABLE, reason: 'DRAINING' });
    }
    expect(server.subscriptions.size).toBe(0);
  });
});

describe('LATCHKEY_CALLER_AUTH=token', () => {
  test('refuses a watch without a token', async () => {
    await start({ callerAuth: 'token' });
    expect(await watch().ended()).toMatchObject({ reason: 'CALLER_UNAUTHENTICATED' });
    expect(await watch({}, bearer('good')).ended()).toMatchObject({ reason: 'CALLER_FORBIDDEN' });
  });

  test('opens nothing for a caller that cancelled during its validation', async () => {
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const validate: CallerTokens['validate'] = async (token) => {
      asked.resolve();
      await release.promise;
      return validateByName(token);
    };
    await start({ callerAuth: 'token', tokens: { validate } });
    const { callMetrics, log } = server.environment;
    const stream = watch({}, bearer('service'));
    await asked.promise;
    stream.cancel();
    // An answer to another call on the connection means that everything before it has arrived.
    await call(server.client, server.client.getSigningKeys, {});
    release.resolve();
    await eventually(() => callMetrics.calls.includes('WatchRevocations 1'));
    expect(server.subscriptions.size).toBe(0);
    expect(log.at('error')).toEqual([]);
  });

  test('continues while the caller cannot be validated', async () => {
    let isDown = false;
    let refusals = 0;
    const validate: CallerTokens['validate'] = (token) => {
      if (!isDown) return validateByName(token);
      refusals += 1;
      throw storeUnavailable('sessions', new Error('no answer'));
    };
    await start({ callerAuth: 'token', tokens: { validate } });
    const stream = await watch(often, bearer('service')).current();
    isDown = true;
    await eventually(() => refusals > 1);
    isDown = false;
    const sessionId = await server.endSession();
    await eventually(() => stream.sessionIds.includes(sessionId));
    stream.cancel();
  });

  test.each([
    ['at once', <T>(value: T): T | Promise<T> => value],
    ['after a question to the store', <T>(value: T): T | Promise<T> => Promise.resolve(value)],
  ])('ends a watch when the session of its caller has ended, validated %s', async (_how, answer) => {
    let hasEnded = false;
    const validate: CallerTokens['validate'] = (token) =>
      answer(
        hasEnded
          ? { ...validateByName(token), verdict: rejected('SESSION_ENDED', 'LOGGED_OUT') }
          : validateByName(token),
      );
    await start({ callerAuth: 'token', tokens: { validate } });
    const stream = await watch(often, bearer('service')).current();
    hasEnded = true;
    expect(await stream.ended()).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'CALLER_UNAUTHENTICATED',
    });
    expect(server.subscriptions.size).toBe(0);
  });
});
