import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ASSETS } from '../../src/bff/pages/assets.ts';

/** What the BFF sends with its pages. Scripts and styles that are not in files of this server do not work. */
const POLICY = [
  ...["default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
].join('; ');

/** Serves pages from memory as the BFF does, with its assets and event streams. */
export interface PageServer {
  readonly url: string;
  /** Sends an event to every open stream of the path. */
  send(path: string, event: string, data: object): void;
  /** How many streams of the path are open. */
  streamsOf(path: string): number;
  /** The forms that were sent. */
  readonly posts: readonly { readonly path: string; readonly body: string }[];
  close(): Promise<void>;
}

/** @param render the page for a path and query. Undefined: there is none. */
export async function startPageServer(render: (url: URL) => string | undefined): Promise<PageServer> {
  const streams = new Map<string, Set<ServerResponse>>();
  const posts: { path: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    if (request.method === 'POST') {
      posts.push({ path: url.pathname, body: Buffer.concat(await request.toArray()).toString() });
      response.writeHead(204).end();
    } else if (request.headers.accept === 'text/event-stream') {
      const open = streams.get(url.pathname) ?? new Set();
      streams.set(url.pathname, open.add(response));
      response.on('close', () => open.delete(response));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    } else {
      const asset = ASSETS.find(({ path }) => path === url.pathname);
      const page = asset === undefined ? render(url) : undefined;
      const type = asset?.contentType ?? 'text/html; charset=utf-8';
      response.writeHead(asset || page ? 200 : 404, {
        'content-type': type,
        'content-security-policy': POLICY,
      });
      response.end(asset?.body ?? page);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    streamsOf: (path) => streams.get(path)?.size ?? 0,
    send(path, event, data) {
      for (const stream of streams.get(path) ?? []) {
        stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
