import type { FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';
import type { Macs } from './macs.ts';

const LABEL = 'csrf';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What a CSRF token is bound to: the session, or before the sign-in the pre-session. */
export type CsrfSubject = { readonly sessionId: string } | { readonly preSessionId: string };

/** Whether the method changes nothing (RFC 9110, section 9.2.1). */
export function isSafeMethod({ method }: FastifyRequest): boolean {
  return SAFE_METHODS.has(method);
}

/**
 * Refuses a request that changes something and does not come from a page of ours.
 *
 * All browsers have sent `Sec-Fetch-Site` since 2023, and `Origin` with every POST since 2020. If only one is there, it
 * must be right. If both are, both must be. A request without either is refused.
 *
 * @throws Refusal.
 */
export function checkSource(request: FastifyRequest, publicOrigin: string): void {
  if (isSafeMethod(request)) return;
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
  // `none`: the person repeated the request, for example by restoring a tab.
  const isSameSite = site === 'same-origin' || (site === 'none' && mode === 'navigate');
  if (site !== undefined && !isSameSite) throw refused('It comes from another site.');
  if (origin !== undefined && origin !== publicOrigin) throw refused('It comes from another origin.');
  if (site === undefined && origin === undefined) {
    throw refused('It has neither Sec-Fetch-Site nor Origin: use a current browser.');
  }
}

/** Upper bound of the tokens that are kept. */
const MAX_KNOWN = 10_000;

/** Issues and checks the tokens that forms and scripts send with each change. */
export class CsrfTokens {
  readonly #macs: Macs;
  /** Recent tokens, by subject: a MAC costs as much as the rest of a small answer. */
  readonly #known = new Map<string, string>();

  constructor(macs: Macs) {
    this.#macs = macs;
  }

  tokenFor(subject: CsrfSubject): string {
    const text = subjectText(subject);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const token = this.#macs.of(LABEL, text);
    this.#known.set(text, token);
    return token;
  }

  /**
   * Checks the token of a request.
   *
   * @param subject undefined: the browser has neither a session nor a pre-session.
   * @throws Refusal.
   */
  check(request: FastifyRequest, subject: CsrfSubject | undefined): void {
    const token = tokenOf(request);
    const isGood =
      subject !== undefined && token !== undefined && this.#macs.verifies(LABEL, subjectText(subject), token);
    if (!isGood) throw refused('Its form is too old or from another browser: load the page again.');
  }
}

function subjectText(subject: CsrfSubject): string {
  return 'sessionId' in subject ? `session:${subject.sessionId}` : `pre-session:${subject.preSessionId}`;
}

/** From the header of scripts, or from the field of forms. */
function tokenOf({ headers, body }: FastifyRequest): string | undefined {
  const given = headers['x-csrf-token'] ?? (body as { readonly csrf?: unknown } | null | undefined)?.csrf;
  return typeof given === 'string' ? given : undefined;
}

function refused(why: string): Refusal {
  return new Refusal(403, 'csrf-refused', `The request was refused. ${why}`, {
    reason: 'CSRF_REFUSED',
    notice: 'form-expired',
  });
}
