import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CookieName, Cookies } from './cookies.ts';
import type { Macs } from './macs.ts';
import type { PreSessions } from './pre-session.ts';

type BoundName = Extract<CookieName, 'lk_ticket' | 'lk_flow'>;

/** Cookies that a MAC binds to the pre-session of their browser: `<text>.<MAC>`. They are of no use in another browser. */
export class BoundCookies {
  readonly #cookies: Cookies;
  readonly #macs: Macs;
  readonly #preSessions: PreSessions;

  constructor(cookies: Cookies, macs: Macs, preSessions: PreSessions) {
    this.#cookies = cookies;
    this.#macs = macs;
    this.#preSessions = preSessions;
  }

  /** The text of a cookie. Undefined: there is none, or it is forged or of another pre-session. */
  read(request: FastifyRequest, name: BoundName): string | undefined {
    const preSessionId = this.#preSessions.read(request);
    const cookie = this.#cookies.get(request, name);
    if (preSessionId === undefined || cookie === undefined) return undefined;
    const dot = cookie.lastIndexOf('.');
    const text = cookie.slice(0, Math.max(0, dot));
    return this.#macs.verifies(name, `${preSessionId}.${text}`, cookie.slice(dot + 1)) ? text : undefined;
  }

  /** Binds the text to the pre-session of the browser, and starts one if there is none. */
  set(
    request: FastifyRequest,
    reply: FastifyReply,
    name: BoundName,
    text: string,
    maxAgeSeconds: number,
  ): void {
    const mac = this.#macs.of(name, `${this.#preSessions.of(request, reply)}.${text}`);
    this.#cookies.set(reply, name, `${text}.${mac}`, maxAgeSeconds);
  }

  clear(reply: FastifyReply, name: BoundName): void {
    this.#cookies.clear(reply, name);
  }
}
