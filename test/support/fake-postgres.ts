import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** The server's response to received bytes. @param count how often it responded before, on this connection. */
export type Script = (count: number) => Buffer | undefined;

/** Messages of the protocol, https://www.postgresql.org/docs/current/protocol-message-formats.html. */
export const messages = {
  authenticated: message('R', int32(0)),
  /** Requests a SASL mechanism that does not exist. */
  signIn: message('R', Buffer.concat([int32(10), text('NONE'), Buffer.alloc(1)])),
  ready: message('Z', Buffer.from('I')),
  /** An error after which a real server ends the connection. */
  fatal: message(
    'E',
    Buffer.concat([text('SFATAL'), text('VFATAL'), text('C57P01'), text('Mthe end'), Buffer.alloc(1)]),
  ),
};

/** A PostgreSQL controlled by the test, which never ends a connection on its own. */
export class FakePostgres {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #accepted = 0;

  private constructor(server: Server, script: Script) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.url = `postgres://latchkey@127.0.0.1:${address.port}/latchkey`;
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket, script));
  }

  static async open(script: Script): Promise<FakePostgres> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakePostgres(server, script);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Number of connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #serve(socket: Socket, script: Script): void {
    this.#sockets.add(socket);
    this.#accepted += 1;
    let count = 0;
    socket.on('data', () => {
      const answer = script(count);
      count += 1;
      if (answer !== undefined && socket.writable) socket.write(answer);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    // The last message of a client that closes its connection correctly.
    socket.on('end', () => socket.end());
  }
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
