import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cookies } from './cookies.ts';
import type { Macs } from './macs.ts';
import { nextPath } from './next-path.ts';
import type { PreSessions } from './pre-session.ts';

/** The flow of a provider that a browser began. The secret never reaches a script. */
export interface BrowserFlow {
  /** The `state` that the browser brings back: 22 characters of base64url. */
  readonly flowId: string;
  readonly flowSecret: string;
  readonly purpose: 'sign-in' | 'link';
  /** A local path to go to afterwards. */
  readonly next: string;
}

const LABEL = 'flow';
/** A flow lives for ten minutes. */
const MAX_AGE_SECONDS = 600;
const PATTERN = /^([\w-]{22})\.(([\w-]{22})\.([\w-]{43})\.(sign-in|link)\.(\/.*))$/;

/** Keeps the latest flow of a browser in a cookie that is bound to its pre-session. An earlier one is forgotten. */
export class FlowCookies {
  readonly #cookies: Cookies;
  readonly #macs: Macs;
  readonly #preSessions: PreSessions;

  constructor(cookies: Cookies, macs: Macs, preSessions: PreSessions) {
    this.#cookies = cookies;
    this.#macs = macs;
    this.#preSessions = preSessions;
  }

  /** Undefined: there is none, or it is forged or of another pre-session. */
  read(request: FastifyRequest): BrowserFlow | undefined {
    const preSessionId = this.#preSessions.read(request);
    const [, mac, text, flowId, flowSecret, purpose, next] =
      PATTERN.exec(this.#cookies.get(request, 'lk_flow') ?? '') ?? [];
    if (preSessionId === undefined || mac === undefined || flowId === undefined) return undefined;
    if (flowSecret === undefined || !this.#macs.verifies(LABEL, `${preSessionId}.${text}`, mac))
      return undefined;
    return { flowId, flowSecret, purpose: purpose === 'link' ? 'link' : 'sign-in', next: nextPath(next) };
  }

  set(
    request: FastifyRequest,
    reply: FastifyReply,
    { flowId, flowSecret, purpose, next }: BrowserFlow,
  ): void {
    const text = `${flowId}.${flowSecret}.${purpose}.${next}`;
    const mac = this.#macs.of(LABEL, `${this.#preSessions.of(request, reply)}.${text}`);
    this.#cookies.set(reply, 'lk_flow', `${mac}.${text}`, MAX_AGE_SECONDS);
  }

  clear(reply: FastifyReply): void {
    this.#cookies.clear(reply, 'lk_flow');
  }
}
