import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../grpc/support/certificates.ts';

/** Where the proxy says that all browsers are. */
export const BROWSER_ADDRESS = '203.0.113.7';

/**
 * The proxy in front of the BFF: it adds TLS, states the address of the browser, and sends each request to the next
 * replica.
 */
export class TlsProxy {
  readonly origin: string;
  /** Each `Set-Cookie` that was sent through it, also those that were lost. */
  readonly setCookies: string[] = [];
  /** Requests for this path, with any query, do not get through: they are answered with 502. */
  blocks: string | undefined;
  /** The URLs of the replicas. */
  replicas: readonly string[] = [];
  readonly #server: Server;
  #requests = 0;
  #lossAt: string | undefined;

  private constructor(server: Server) {
    this.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    server.on('request', (incoming, outgoing) => this.#pass(incoming, outgoing));
  }

  static async open(): Promise<TlsProxy> {
    const { certificate, privateKey } = makeCertificate('login');
    const server = createServer({ cert: certificate, key: privateKey }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TlsProxy(server);
  }

  /** Closes the connection instead of answering the next request for this path, with any query. The BFF does not notice. */
  loseAnswerTo(path: string): void {
    this.#lossAt = path;
  }

  /** Whether the answer is still to be lost. */
  get isLosing(): boolean {
    return this.#lossAt !== undefined;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { url = '/', method, headers: given } = incoming;
    const path = url.split('?', 1)[0];
    if (this.blocks === path) {
      outgoing.writeHead(502).end('blocked');
      return;
    }
    const replica = this.replicas[this.#requests++ % this.replicas.length];
    const addresses = [given['x-forwarded-for'], BROWSER_ADDRESS].filter(Boolean).join(', ');
    const headers = { ...given, 'x-forwarded-for': addresses, 'x-forwarded-proto': 'https' };
    const passed = request(`${replica}${url}`, { method, headers }, (answer) => {
      this.setCookies.push(...(answer.headers['set-cookie'] ?? []));
      if (this.#lossAt === path) {
        this.#lossAt = undefined;
        answer.resume();
        incoming.socket.destroy();
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  }
}
