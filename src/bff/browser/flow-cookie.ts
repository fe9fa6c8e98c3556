import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BoundCookies } from './bound-cookies.ts';
import { nextPath } from './next-path.ts';

/** The flow of a provider that a browser began. The secret never reaches a script. */
export interface BrowserFlow {
  /** The `state` that the browser brings back: 22 characters of base64url. */
  readonly flowId: string;
  readonly flowSecret: string;
  readonly purpose: 'sign-in' | 'link';
  /** A local path to go to afterwards. */
  readonly next: string;
}

/** A person may take ten minutes at the provider, and ten more to choose a session to end at the limit. */
const MAX_AGE_SECONDS = 1_200;
const PATTERN = /^([\w-]{22})\.([\w-]{43})\.(sign-in|link)\.(\/.*)$/;

/** Keeps the latest flow of a browser. An earlier one is forgotten. */
export class FlowCookies {
  readonly #cookies: BoundCookies;

  constructor(cookies: BoundCookies) {
    this.#cookies = cookies;
  }

  /** Undefined: there is none, or it is forged or of another browser. */
  read(request: FastifyRequest): BrowserFlow | undefined {
    const text = this.#cookies.read(request, 'lk_flow') ?? '';
    const [, flowId, flowSecret, purpose, next] = PATTERN.exec(text) ?? [];
    if (!flowId || !flowSecret) return undefined;
    return { flowId, flowSecret, purpose: purpose === 'link' ? 'link' : 'sign-in', next: nextPath(next) };
  }

  set(request: FastifyRequest, reply: FastifyReply, flow: BrowserFlow): void {
    const { flowId, flowSecret, purpose, next } = flow;
    const text = `${flowId}.${flowSecret}.${purpose}.${next}`;
    this.#cookies.set(request, reply, 'lk_flow', text, MAX_AGE_SECONDS);
  }

  clear(reply: FastifyReply): void {
    this.#cookies.clear(reply, 'lk_flow');
  }
}
