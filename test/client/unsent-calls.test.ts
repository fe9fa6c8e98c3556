import { once } from 'node:events';
import { constants, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, connect as connectTo, createServer, type Server } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';
import { freePort } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

let fake: FakeLatchkey;
let opened: (() => unknown)[];

beforeEach(async () => {
  fake = await FakeLatchkey.start();
  opened = [() => fake.close()];
});

afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

function open(address: string | string[], options: ConnectOptions = {}): LatchkeyClient {
  const client = connect(address, { credentials: { kind: 'plaintext' }, mode: 'remote', ...options });
  opened.push(() => client.close());
  return client;
}

async function listening(server: Server | Http2Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  opened.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const proxied = async () => {
  const proxy = await TcpProxy.open(Number(fake.address.split(':').at(-1)));
  opened.push(() => proxy.close());
  return { proxy, address: `127.0.0.1:${proxy.port}` };
};
/** Speaks HTTP/2 and accepts no request. */
const refusing = (): { server: Http2Server; counts: { refused: number } } => {
  const server = createHttp2Server();
  const counts = { refused: 0 };
  server.on('stream', (stream) => {
    counts.refused += 1;
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  server.on('session', (session) => opened.push(() => session.destroy()));
  return { server, counts };
};

describe('a Login that cannot have reached the service', () => {
  test('is retried: the connection closed before anything was sent', async () => {
    const { proxy } = await proxied();
    let dials = 0;
    const hangingUpOnce = createServer((socket) => {
      dials += 1;
      socket.on('error', () => undefined);
      if (dials === 1) {
        socket.destroy();
        return;
      }
      const upstream = connectTo(proxy.port, '127.0.0.1').on('error', () => undefined);
      socket.pipe(upstream).pipe(socket);
    });
    const client = open(await listening(hangingUpOnce));
    expect((await client.login(ADMIN)).tokens).toBeDefined();
    expect(dials).toBe(2);
    expect(fake.rpcs).toStrictEqual(['Login']);
  });

  test('is retried at another address: the stream was refused unprocessed', async () => {
    const { server, counts } = refusing();
    const client = open([await listening(server), fake.address]);
    await eventually(async () => {
      expect((await client.login(ADMIN)).tokens).toBeDefined();
      return counts.refused > 0;
    });
  });

  const failing: readonly (readonly [string, () => Promise<string>, ConnectOptions])[] = [
    ['nothing listens', async () => `127.0.0.1:${await freePort()}`, {}],
    ['there is no such socket', async () => 'unix:/nowhere/latchkey.sock', {}],
    ['TLS fails', async () => fake.address, { credentials: { kind: 'tls' } }],
    ['the server hangs up', async () => listening(createServer((socket) => socket.destroy())), {}],
    ['every stream is refused', async () => listening(refusing().server), {}],
  ];
  test.each(failing)('reports that when it fails: %s', async (_why, address, options) => {
    const client = open(await address(), options);
    await expect(client.login(ADMIN)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      isUnreachable: true,
      isUnsent: true,
    });
    expect(fake.rpcs).toStrictEqual([]);
  });
});

describe('a Login that may have reached the service', () => {
  test('is not retried: the connection closed before the answer', async () => {
    const { proxy, address } = await proxied();
    fake.silent.add('Login');
    const client = open([address, address]);
    const login = client.login(ADMIN);
    const outcome = expect(login).rejects.toMatchObject({ code: status.UNAVAILABLE, isUnsent: false });
    await eventually(() => fake.rpcs.length === 1);
    fake.silent.clear();
    proxy.reset();
    await outcome;
    expect(fake.rpcs).toStrictEqual(['Login']);
  });

  test('is not retried: the service stopped, which is not a cancellation by the caller', async () => {
    fake.silent.add('Login');
    const client = open([fake.address, fake.address]);
    const outcome = expect(client.login(ADMIN)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      isUnreachable: true,
      isUnsent: false,
    });
    await eventually(() => fake.rpcs.length === 1);
    fake.close();
    await outcome;
    expect(fake.rpcs).toStrictEqual(['Login']);
  });

  test('is not retried: the service answered UNAVAILABLE', async () => {
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' },
        { endStream: true },
      );
    });
    server.on('session', (session) => opened.push(() => session.destroy()));
    const client = open([await listening(server), await listening(refusing().server)]);
    await eventually(() =>
      client.login(ADMIN).then(
        () => false,
        ({ isUnsent }: { isUnsent: boolean }) => isUnsent === false,
      ),
    );
  });
});
