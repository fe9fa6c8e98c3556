import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface TcpProxyOptions {
  /** The delay of every byte, in both directions; milliseconds. */
  readonly delayMs?: number;
}

/** The bandwidth of a slow line. */
const PACKET_BYTES = 500;

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** One direction, for all connections together: data waits for earlier data. */
class Line {
  /** How many bytes were sent, whether or not they have arrived. */
  bytes = 0;
  bytesPerSecond = Number.POSITIVE_INFINITY;
  readonly #delayMs: number;
  readonly #underWay: { readonly at: number; readonly arrive: () => void }[] = [];
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** On a slow line data is split into packets, so that the first bytes arrive first. */
  carry(data: Buffer, arrive: (part: Buffer) => void): void {
    const size = Number.isFinite(this.bytesPerSecond) ? PACKET_BYTES : Number.POSITIVE_INFINITY;
    for (let from = 0; from < data.length; from += size) {
      const part = data.subarray(from, from + size);
      this.bytes += part.length;
      this.#push(part.length, () => arrive(part));
    }
  }

  /** Runs once everything before it has arrived. */
  after(act: () => void): void {
    this.#push(0, act);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#underWay.length = 0;
  }

  #push(bytes: number, arrive: () => void): void {
    this.#freeAt = Math.max(this.#freeAt, performance.now()) + (1_000 * bytes) / this.bytesPerSecond;
    this.#underWay.push({ at: this.#freeAt + this.#delayMs, arrive });
    if (this.#underWay.length === 1) this.#deliver();
  }

  #deliver(): void {
    for (let next = this.#underWay[0]; next !== undefined; next = this.#underWay[0]) {
      const ms = next.at - performance.now();
      if (ms > 0) {
        this.#timer = setTimeout(() => this.#deliver(), ms);
        return;
      }
      next.arrive();
      this.#underWay.shift();
    }
  }
}

/** A faulty network: TCP between a client and a server on this machine, on its own port. */
export class TcpProxy {
  readonly port: number;
  /** The target of new connections. */
  target: number;
  /** From the clients to the server. */
  readonly up: Line;
  /** From the server to the clients. */
  readonly down: Line;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #silent = false;
  #cutReplyAt: number | undefined;
  #cutReplyTo: string | undefined;

  private constructor(server: Server, target: number, delayMs: number) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
    this.target = target;
    this.#server = server;
    this.up = new Line(delayMs);
    this.down = new Line(delayMs);
    server.on('connection', (client) => this.#join(client));
  }

  static async open(target: number, { delayMs = 0 }: TcpProxyOptions = {}): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, target, delayMs);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#links.size;
  }

  /** From now on this many bytes per second pass in each direction. */
  slowDown(bytesPerSecond: number): void {
    for (const line of [this.up, this.down]) line.bytesPerSecond = bytesPerSecond;
  }

  /** From now on nothing passes, silently: no data, no end, no reset. New connections are accepted. */
  silence(): void {
    this.#silent = true;
    this.silenceConnections();
  }

  /** Silently blocks the open connections. New connections are not affected. */
  silenceConnections(): void {
    for (const { client, upstream } of this.#links) for (const socket of [client, upstream]) socket.pause();
  }

  /** Delivers the delayed data, and everything after it. */
  speak(): void {
    this.#silent = false;
    for (const { client, upstream } of this.#links) for (const socket of [client, upstream]) socket.resume();
  }

  /** Resets every connection. */
  reset(): void {
    for (const { client, upstream } of this.#links) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Half-closes the connection to every client, and keeps reading from it. */
  halfClose(): void {
    for (const { client } of this.#links) client.end();
  }

  /** Lets this many bytes of the next reply pass, then resets its connection. */
  resetInReply(bytes: number): void {
    this.#cutReplyAt = bytes;
  }

  /** Lets the next request with this text pass, and resets its connection instead of the reply. */
  resetInReplyTo(text: string): void {
    this.#cutReplyTo = text;
  }

  /** Stops at once, if it is still running. Data in transit is lost. */
  async close(): Promise<void> {
    for (const line of [this.up, this.down]) line.close();
    if (!this.#server.listening) return;
    for (const { client, upstream } of this.#links) for (const socket of [client, upstream]) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #join(client: Socket): void {
    const upstream = connect({ host: '127.0.0.1', port: this.target, allowHalfOpen: true });
    const link = { client, upstream };
    this.#links.add(link);
    const part = () => {
      this.#links.delete(link);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', part);
    }
    client.on('data', (data) => this.up.carry(data, (part) => this.#request(part, link)));
    client.on('end', () => this.up.after(() => upstream.end()));
    upstream.on('data', (data) => this.down.carry(data, (part) => this.#reply(part, link)));
    upstream.on('end', () => this.down.after(() => client.end()));
    if (this.#silent) for (const socket of [client, upstream]) socket.pause();
  }

  #request(data: Buffer, { upstream }: Link): void {
    if (this.#cutReplyTo !== undefined && data.includes(this.#cutReplyTo)) {
      this.#cutReplyTo = undefined;
      this.#cutReplyAt = 0;
    }
    pass(data, upstream);
  }

  #reply(data: Buffer, { client }: Link): void {
    const bytes = this.#cutReplyAt;
    if (bytes === undefined) {
      pass(data, client);
      return;
    }
    this.#cutReplyAt = undefined;
    client.write(data.subarray(0, bytes), () => client.resetAndDestroy());
  }
}

function pass(data: Buffer, to: Socket): void {
  if (to.writable) to.write(data);
}
