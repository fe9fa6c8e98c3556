import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';

const NAMES = [
  /** The access token. It stays after the token has expired: it tells why the session ended. */
  'lk_access',
  /** The refresh token. */
  'lk_refresh',
  /** The pre-session: a random id and its MAC. */
  'lk_pre',
  /** The device: its id and its device token. Stays after a sign-out. */
  'lk_device',
  /** The QR ticket that this browser shows: its id, its redeem secret and a MAC. */
  'lk_ticket',
  /** The flow of a provider that this browser began: its id and secret, what it is for, and a MAC. */
  'lk_flow',
  /** A code of a message that the next page shows. */
  'lk_notice',
  /** The language that the user chose. */
  'lk_language',
] as const;
export type CookieName = (typeof NAMES)[number];

/** What browsers keep: name, value and attributes together, in bytes. */
const MAX_BYTES = 4_096;

/** Reads and sets the cookies of browsers. */
export class Cookies {
  readonly #isSecure: boolean;
  readonly #wireNames: ReadonlySet<string>;

  /** @param isSecure whether browsers use https. Otherwise names have no prefix and cookies no `Secure`. */
  constructor(isSecure: boolean) {
    this.#isSecure = isSecure;
    this.#wireNames = new Set(NAMES.map((name) => this.#wireName(name)));
  }

  /** Undefined: it was not sent, or is empty. */
  get(request: FastifyRequest, name: CookieName): string | undefined {
    // A request that was refused early has no parsed cookies.
    return (request.cookies as FastifyRequest['cookies'] | null)?.[this.#wireName(name)] || undefined;
  }

  /**
   * Refuses a request that sends one of our cookies twice: another host of the domain may have set one (cookie tossing).
   *
   * @param header the header `Cookie`.
   */
  refuseDuplicates(header: string | undefined): void {
    const seen = new Set<string>();
    for (const pair of header?.split(';') ?? []) {
      const name = pair.slice(0, Math.max(0, pair.indexOf('='))).trim();
      if (!this.#wireNames.has(name)) continue;
      if (seen.has(name)) {
        throw new Refusal(400, 'bad-request', 'A cookie was sent twice. Delete the cookies of this site.');
      }
      seen.add(name);
    }
  }

  /** @throws Refusal if browsers would not keep it. */
  set(reply: FastifyReply, name: CookieName, value: string, maxAgeSeconds: number): void {
    const options = this.#options(maxAgeSeconds);
    const bytes = Buffer.byteLength(reply.server.serializeCookie(this.#wireName(name), value, options));
    if (bytes > MAX_BYTES) {
      const what = `The cookie ${name} would have ${bytes} bytes; browsers keep ${MAX_BYTES}.`;
      throw new Refusal(500, 'token-too-large', `${what} Give the user fewer or shorter roles.`);
    }
    reply.setCookie(this.#wireName(name), value, options);
  }

  clear(reply: FastifyReply, name: CookieName): void {
    reply.setCookie(this.#wireName(name), '', this.#options(0));
  }

  #wireName(name: CookieName): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }

  #options(maxAgeSeconds: number) {
    const maxAge = Math.max(0, Math.floor(maxAgeSeconds));
    return { path: '/', httpOnly: true, sameSite: 'lax', secure: this.#isSecure, maxAge } as const;
  }
}
