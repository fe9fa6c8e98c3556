import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { limitConnections } from './connection-limit.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why the service is not ready, for people, for example `sessions: no answer`. Empty when ready. */
  readonly reasons: readonly string[];
}

export interface HttpEndpointOptions {
  readonly host: string;
  /** 0: the system chooses a free port. */
  readonly port: number;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Whether sign-in can work now. Must settle within about a second. An error counts as not ready. */
  readonly readiness: () => Readiness | Promise<Readiness>;
}

type Answer = readonly [status: number, contentType: string, body: string];

const JSON_TYPE = 'application/json; charset=utf-8';
/** A scraper or probe sends a few hundred bytes at once, so slower clients are cut off. */
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 64;
/** How often expired connections are looked for. */
const CHECKING_INTERVAL_MS = 1_000;

/**
 * HTTP endpoint for monitoring: `/metrics` for Prometheus, `/livez` (the process responds) and `/readyz` (sign-in can
 * work; 503 with the reasons if not). It exposes no data about users.
 */
export class HttpEndpoint {
  readonly #server: Server;
  readonly #options: HttpEndpointOptions;

  private constructor(options: HttpEndpointOptions) {
    this.#options = options;
    this.#server = createServer({
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
    });
    // Disables pipelining, because each page costs up to a millisecond.
    this.#server.maxRequestsPerSocket = 1;
    limitConnections(this.#server, MAX_CONNECTIONS);
    this.#server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** Opens the endpoint. Rejects if the address is in use. */
  static async open(options: HttpEndpointOptions): Promise<HttpEndpoint> {
    const endpoint = new HttpEndpoint(options);
    await new Promise<void>((resolve, reject) => {
      endpoint.#server.once('error', reject);
      endpoint.#server.listen(options.port, options.host, resolve);
    });
    return endpoint;
  }

  /** The URL with the actual port. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Stops listening and closes every connection, even with a request in progress. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, contentType, body] = await this.#route(request);
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #route({ method, url = '' }: IncomingMessage): Promise<Answer> {
    const page = this.#page(url.split('?', 1)[0]);
    if (page === undefined) return json(404, { error: 'not found; see /metrics, /livez and /readyz' });
    if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET and HEAD are allowed' });
    try {
      return await page();
    } catch {
      return json(500, { error: 'this page could not be created' });
    }
  }

  #page(path: string | undefined): (() => Answer | Promise<Answer>) | undefined {
    switch (path) {
      case '/metrics':
        return () => this.#metrics();
      case '/livez':
        return () => json(200, { live: true });
      case '/readyz':
        return () => this.#readyz();
      default:
        return undefined;
    }
  }

  async #metrics(): Promise<Answer> {
    const { metrics } = this.#options;
    return [200, metrics.contentType, await metrics.text()];
  }

  async #readyz(): Promise<Answer> {
    try {
      const { ready, reasons } = await this.#options.readiness();
      return json(ready ? 200 : 503, { ready, reasons });
    } catch {
      return json(503, { ready: false, reasons: ['readiness check failed'] });
    }
  }
}

function json(status: number, body: unknown): Answer {
  return [status, JSON_TYPE, `${JSON.stringify(body)}\n`];
}
