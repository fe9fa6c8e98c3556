import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { IdentityServiceClient } from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { identityService } from '../../src/grpc/identity-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { eventually } from '../support/eventually.ts';
import { testEnvironment, validateByName } from './support/fakes.ts';
import { fakeCore, OPEN } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const request = { accessToken: 'good', consistency: Consistency.BOUNDED, audience: '', atLeastRevision: '' };

let opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.reverse()) await close();
  opened = [];
});

/** A server that does not listen, and another listener that accepts connections for it. */
async function start(core = fakeCore().core) {
  const environment = testEnvironment();
  const services = [identityService(core, OPEN, environment)];
  const server = new GrpcServer({
    address: '127.0.0.1:0',
    services,
    reflection: false,
    log: environment.log,
  });
  const serve = server.serveHandedOver();
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    sockets.push(socket);
    serve(socket);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  opened.push(() => listener.close());
  const address = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const client = new IdentityServiceClient(address, credentials.createInsecure());
  opened.push(() => client.close());
  return { server, address, client, sockets };
}

describe('connections that another process accepted', () => {
  test('are served', async () => {
    const { server, client } = await start();
    expect(await call(client, client.validate, request)).toHaveProperty('ok');
    expect(await server.drain({ delayMs: 0, timeoutMs: 5_000 })).toBe(true);
  });

  test('are awaited until their calls end when the server drains', async () => {
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const validate = (token: string) => {
      begun.resolve();
      return release.promise.then(() => validateByName(token));
    };
    const { server, client } = await start(fakeCore({ tokens: { validate } }).core);
    const outcome = call(client, client.validate, request);
    await begun.promise;
    let isDrained = false;
    const drained = server.drain({ delayMs: 0, timeoutMs: 5_000 }).then((clean) => {
      isDrained = true;
      return clean;
    });
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(isDrained).toBe(false);
    release.resolve();
    expect(await outcome).toHaveProperty('ok');
    expect(await drained).toBe(true);
  });

  test('are closed if a call does not end', async () => {
    const begun = Promise.withResolvers<void>();
    const validate = () => {
      begun.resolve();
      return new Promise<never>(() => {});
    };
    const { server, client } = await start(fakeCore({ tokens: { validate } }).core);
    const outcome = call(client, client.validate, request);
    await begun.promise;
    expect(await server.drain({ delayMs: 0, timeoutMs: 50 })).toBe(false);
    expect(await outcome).not.toHaveProperty('ok');
  });

  test('that are silent are closed too', async () => {
    const { server, address, sockets } = await start();
    const mute = connectTo(Number(address.split(':').at(-1)), '127.0.0.1');
    opened.push(() => mute.destroy());
    mute.on('error', () => undefined);
    await eventually(() => sockets.length === 1);
    expect(await server.drain({ delayMs: 0, timeoutMs: 50 })).toBe(false);
    expect(sockets[0]?.destroyed).toBe(true);
  });

  test('are closed after the server has drained', async () => {
    const { server, client, sockets } = await start();
    await server.drain({ delayMs: 0, timeoutMs: 0 });
    expect(await call(client, client.validate, request)).toMatchObject({ code: status.UNAVAILABLE });
    expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });
});
