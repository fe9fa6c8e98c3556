import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cookies } from './cookies.ts';
import { type Macs, randomId } from './macs.ts';

const LABEL = 'pre-session';
const MAX_AGE_SECONDS = 86_400;
const PATTERN = /^([\w-]{22})\.([\w-]{22})$/;

/**
 * The pre-session of a browser: a random id that exists before anybody signs in. Forms, QR tickets and flows are bound to
 * it, so those of one browser are of no use in another. It changes at each sign-in and sign-out.
 */
export class PreSessions {
  readonly #cookies: Cookies;
  readonly #macs: Macs;
  /** The pre-session that the answer to a request starts. */
  readonly #started = new WeakMap<FastifyRequest, string>();

  constructor(cookies: Cookies, macs: Macs) {
    this.#cookies = cookies;
    this.#macs = macs;
  }

  /** Undefined: the browser sent none, or a forged one, and this request has started none. */
  read(request: FastifyRequest): string | undefined {
    const started = this.#started.get(request);
    if (started !== undefined) return started;
    const [, id, mac] = PATTERN.exec(this.#cookies.get(request, 'lk_pre') ?? '') ?? [];
    if (id === undefined || mac === undefined || !this.#macs.verifies(LABEL, id, mac)) return undefined;
    return id;
  }

  /** Returns the id of the pre-session of the browser. Starts one if there is none. */
  of(request: FastifyRequest, reply: FastifyReply): string {
    return this.read(request) ?? this.renew(request, reply);
  }

  /** Starts another pre-session. Returns its id. */
  renew(request: FastifyRequest, reply: FastifyReply): string {
    const id = randomId();
    this.#started.set(request, id);
    this.#cookies.set(reply, 'lk_pre', `${id}.${this.#macs.of(LABEL, id)}`, MAX_AGE_SECONDS);
    return id;
  }
}
