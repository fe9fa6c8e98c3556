import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { limitConnections } from '../../src/telemetry/connection-limit.ts';
import { eventually } from '../support/eventually.ts';

const LIMIT = 4;
let server: Server;
let now: number;
let accepted: number;
const clients: Socket[] = [];

beforeEach(async () => {
  now = 0;
  accepted = 0;
  // No request is answered.
  server = createServer(() => undefined);
  limitConnections(server, LIMIT, () => now);
  server.on('connection', () => {
    accepted += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Opens a connection, and optionally sends a request on it. Resolves once the server has it. */
async function open(asks: boolean): Promise<Socket> {
  const before = accepted;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined).resume();
  clients.push(client);
  const asked = asks ? once(server, 'request') : undefined;
  if (asks) client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually(() => accepted > before);
  await asked;
  return client;
}

test('a connection that is a second old is replaced first, even with a request in progress', async () => {
  const [oldest] = [await open(true), await open(true), await open(true)];
  now = 1_001;
  const probe = await open(false);
  await open(false);
  await eventually(() => oldest.closed);
  expect(probe.closed).toBe(false);
});

test('of younger connections, the one that has waited longest for a request is replaced', async () => {
  const asking = await open(true);
  const silent = await open(false);
  await open(false);
  await open(false);
  now = 900;
  await open(false);
  await eventually(() => silent.closed);
  expect(asking.closed).toBe(false);
});

test('if each has a request in progress, the oldest is replaced', async () => {
  const oldest = await open(true);
  for (let count = 1; count < LIMIT; count += 1) await open(true);
  await open(true);
  await eventually(() => oldest.closed);
});
