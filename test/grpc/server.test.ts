import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, credentials, type MethodDefinition, Server, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { service as healthDefinition } from 'grpc-health-check';
import { LoginRequest } from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { validateByName } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { frame, RawClient } from './support/raw-client.ts';
import { call } from './support/unary-call.ts';

const request = { accessToken: 'good', consistency: Consistency.BOUNDED, audience: '', atLeastRevision: '' };

const ATTEMPT = {
  ...{ username: 'ada', password: 'x', clientId: '', endSessionId: '' },
  ...{ device: undefined, origin: undefined, deviceToken: '', labels: {} },
};

let running: RunningServer;
let folder: string | undefined;
afterEach(async () => {
  await running.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** A process that is killed while it listens leaves its socket file. */
function leaveSocketBehind(socket: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

type HealthMessage = { readonly service?: string; readonly status?: string };
const { Check: checkRpc, Watch: watchRpc } = healthDefinition as unknown as Record<
  'Check' | 'Watch',
  MethodDefinition<HealthMessage, HealthMessage>
>;

async function healthOf(service: string): Promise<string | number | undefined> {
  const client = new Client(running.address, credentials.createInsecure());
  const { path: rpc, requestSerialize, responseDeserialize } = checkRpc;
  const outcome = await new Promise<string | number | undefined>((resolve) => {
    client.makeUnaryRequest(rpc, requestSerialize, responseDeserialize, { service }, (error, answer) => {
      resolve(error === null ? answer?.status : error.code);
    });
  });
  client.close();
  return outcome;
}

describe('health', () => {
  test('is known for the server and for each service only', async () => {
    running = await startIdentityServer();
    expect(await healthOf('')).toBe('SERVING');
    expect(await healthOf('latchkey.v1.IdentityService')).toBe('SERVING');
    expect(await healthOf('latchkey.v1.Nothing')).toBe(status.NOT_FOUND);
    running.server.health.setServing(false);
    expect(await healthOf('latchkey.v1.IdentityService')).toBe('NOT_SERVING');
  });

  test('can be watched, and the watch ends with the server', async () => {
    running = await startIdentityServer();
    const client = new Client(running.address, credentials.createInsecure());
    const { path: rpc, requestSerialize, responseDeserialize } = watchRpc;
    const seen: (string | undefined)[] = [];
    const watch = client.makeServerStreamRequest(rpc, requestSerialize, responseDeserialize, { service: '' });
    const ended = new Promise((resolve) => watch.once('end', resolve));
    const first = Promise.withResolvers<void>();
    watch.on('data', (message: HealthMessage) => {
      seen.push(message.status);
      first.resolve();
    });
    watch.on('error', () => {});
    await first.promise;
    expect(await running.server.drain({ delayMs: 0, timeoutMs: 5_000 })).toBe(true);
    await ended;
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
  });
});

describe('drain', () => {
  test('reports NOT_SERVING first and serves in the meantime', async () => {
    running = await startIdentityServer();
    const { client, server } = running;
    const drained = server.drain({ delayMs: 300, timeoutMs: 5_000 });
    server.health.setServing(true);
    expect(await healthOf('')).toBe('NOT_SERVING');
    expect(await call(client, client.validate, request)).toHaveProperty('ok');
    expect(await drained).toBe(true);
    expect(await call(client, client.validate, request, { deadlineMs: 1_000 })).toMatchObject({
      code: status.UNAVAILABLE,
    });
  });

  test('waits for a call in progress', async () => {
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const validate = (token: string) => {
      begun.resolve();
      return release.promise.then(() => validateByName(token));
    };
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client, server } = running;
    const outcome = call(client, client.validate, request);
    await begun.promise;
    const drained = server.drain({ delayMs: 0, timeoutMs: 5_000 });
    release.resolve();
    expect(await outcome).toHaveProperty('ok');
    expect(await drained).toBe(true);
  });

  test('ends even if the library waits for a closed connection', async () => {
    running = await startIdentityServer();
    const shutdown = jest.spyOn(Server.prototype, 'tryShutdown').mockImplementation(() => undefined);
    expect(await running.server.drain({ delayMs: 0, timeoutMs: 20 })).toBe(false);
    shutdown.mockRestore();
  });

  test('cancels a call that does not end, and reports that', async () => {
    const begun = Promise.withResolvers<void>();
    const validate = () => {
      begun.resolve();
      return new Promise<never>(() => {});
    };
    running = await startIdentityServer(fakeCore({ tokens: { validate } }).core);
    const { client, server } = running;
    const outcome = call(client, client.validate, request);
    await begun.promise;
    expect(await server.drain({ delayMs: 0, timeoutMs: 50 })).toBe(false);
    expect(await outcome).not.toHaveProperty('ok');
  });
});

describe('a deadline', () => {
  test('is answered before it passes, and the work is cancelled', async () => {
    const aborted = Promise.withResolvers<void>();
    const login = (attempt: { signal?: AbortSignal }) => {
      attempt.signal?.addEventListener('abort', () => aborted.resolve());
      return new Promise<never>(() => {});
    };
    running = await startIdentityServer(fakeCore({ login: { login } }).core);
    const { client } = running;
    expect(await call(client, client.login, ATTEMPT, { deadlineMs: 400 })).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
      reason: 'DEADLINE_EXCEEDED',
    });
    await aborted.promise;
  });
});

test('A stall that affects every call of a connection is answered and does not end the connection', async () => {
  const login = () => new Promise<never>(() => {});
  running = await startIdentityServer(fakeCore({ login: { login } }).core);
  const raw = new RawClient(running.address);
  const attempt = frame(Buffer.from(LoginRequest.encode(ATTEMPT).finish()));
  const headers = { ':path': '/latchkey.v1.IdentityService/Login', 'grpc-timeout': '2000m' };
  const answers = await Promise.all(Array.from({ length: 200 }, () => raw.send(attempt, headers)));
  expect(new Set(answers.map(({ grpcStatus }) => grpcStatus))).toEqual(new Set([status.DEADLINE_EXCEEDED]));
  expect(answers.filter(({ reset }) => reset !== 0)).toEqual([]);
  // The library cancels at the deadline itself, without details. On a busy machine it is first for some calls.
  expect(answers.filter(({ detailed }) => detailed).length).toBeGreaterThan(answers.length / 4);
  expect(raw.session.destroyed).toBe(false);
  await raw.close();
});

describe('a Unix socket', () => {
  test('of a dead server is replaced', async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'latchkey-uds-'));
    const socket = path.join(folder, 'grpc.sock');
    leaveSocketBehind(socket);
    expect(existsSync(socket)).toBe(true);
    const { core, asked } = fakeCore();
    running = await startIdentityServer(core, { address: `unix:${socket}` });
    const { client } = running;
    expect(await call(client, client.login, ATTEMPT)).toHaveProperty('ok');
    expect(asked).toEqual([expect.objectContaining({ ipAddress: '' })]);
  });

  test('of a running server is not replaced, nor is any other file', async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'latchkey-uds-'));
    const socket = path.join(folder, 'grpc.sock');
    running = await startIdentityServer(fakeCore().core, { address: `unix:${socket}` });
    await expect(startIdentityServer(fakeCore().core, { address: `unix:${socket}` })).rejects.toThrow(
      /Another process/,
    );
    const file = path.join(folder, 'notes.txt');
    writeFileSync(file, 'important');
    await expect(startIdentityServer(fakeCore().core, { address: `unix:${file}` })).rejects.toThrow(
      /not a socket/,
    );
    expect(await call(running.client, running.client.validate, request)).toHaveProperty('ok');
  });
});

test('An address that is taken is refused at the start', async () => {
  running = await startIdentityServer();
  await expect(startIdentityServer(fakeCore().core, { address: running.address })).rejects.toThrow(
    /EADDRINUSE/,
  );
});
