import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the stand-in answers to one kind of request. */
export type WechatReply =
  | Readonly<Record<string, unknown>>
  /** Sent as it is. */
  | string
  /** No answer, or another status. */
  | { readonly status: number };

/**
 * A stand-in that speaks WeChat's documented dialect: parameters in the query, `text/plain` for JSON, errors with the
 * status 200, and a code that works once.
 */
export class WechatServer {
  readonly appId = 'wx0123456789abcdef';
  readonly appSecret = 'wechat-secret-0123456789';
  readonly origin: string;
  /** Accounts by code. */
  readonly codes = new Map<string, Readonly<Record<string, string>>>();
  /** Overrides the answer. */
  reply: WechatReply | undefined;
  hangs = false;
  /** How many app tokens there were. The last one counts. */
  appTokens = 0;
  readonly requests: URL[] = [];
  readonly #server: Server;
  readonly #used = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '', this.origin);
      this.requests.push(url);
      if (this.hangs) return;
      const reply = this.reply ?? this.#answer(url);
      const status = typeof reply === 'object' && 'status' in reply ? Number(reply.status) : 200;
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
    });
  }

  static async start(): Promise<WechatServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WechatServer(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(url: URL): WechatReply {
    const query = url.searchParams;
    if (query.get('appid') !== this.appId) return { errcode: 40013, errmsg: 'invalid appid' };
    if (query.get('secret') !== this.appSecret) {
      return { errcode: 40125, errmsg: `invalid appsecret ${query.get('secret')}` };
    }
    if (url.pathname === '/sns/oauth2/access_token') return this.#account(query);
    if (url.pathname !== '/cgi-bin/token') return { errcode: 40066, errmsg: 'invalid url' };
    this.appTokens += 1;
    return { access_token: `APP-${this.appTokens}`, expires_in: 7200 };
  }

  #account(query: URLSearchParams): WechatReply {
    const code = query.get('code') ?? '';
    if (query.get('grant_type') !== 'authorization_code')
      return { errcode: 40002, errmsg: 'invalid grant_type' };
    if (this.#used.has(code)) return { errcode: 40163, errmsg: 'code been used' };
    const account = this.codes.get(code);
    if (account === undefined) return { errcode: 40029, errmsg: 'invalid code' };
    this.#used.add(code);
    const tokens = { access_token: 'AT', expires_in: 7200, refresh_token: 'RT', scope: 'snsapi_login' };
    return { ...tokens, ...account };
  }
}
