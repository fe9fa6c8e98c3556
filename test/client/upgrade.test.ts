import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { expressGuard } from '../../src/client/guard/express-guard.ts';
import { FakeValidator } from './support/fake-validator.ts';

const guide = readFileSync(path.resolve(import.meta.dirname, '../../src/client/README.md'), 'utf8');
const [, lines = ''] = /^```js\n(server\.on\('upgrade'.*?)^```$/ms.exec(guide) ?? [];

const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
const accept = (_request: unknown, socket: Duplex) => socket.end(ACCEPTED);

let server: Server;

beforeEach(async () => {
  const guard = expressGuard(new FakeValidator());
  server = createServer((asked, response) => guard.signedIn(asked, response, () => response.end()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** The status of the response to an upgrade. */
async function upgraded(token?: string): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { connection: 'upgrade', upgrade: 'websocket', ...authorization };
  const sent = request({ port, host: '127.0.0.1', headers });
  const answered = Promise.race([once(sent, 'response'), once(sent, 'upgrade')]);
  sent.end();
  const [response] = await answered;
  response.socket.destroy();
  return response.statusCode;
}

describe('an HTTP upgrade', () => {
  test('is not seen by the guard, as the guide states', async () => {
    server.on('upgrade', accept);
    expect(await upgraded()).toBe(101);
    expect(guide).toMatch(/`upgrade`[\s\S]{0,200}no guard\s+sees/);
  });

  test.each([
    ['no token', undefined, 401],
    ['a token of an ended session', 'ended', 401],
    ['a token that cannot be validated', 'down', 503],
    ['a good token', 'ada', 101],
  ])('is guarded by the code of the guide: %s', async (_what, token, status) => {
    new Function('server', 'latchkey', 'accept', lines)(server, new FakeValidator(), accept);
    expect(await upgraded(token)).toBe(status);
  });
});
