import type { Refusal } from './admission.ts';

/** The response to a refused request. */
export interface HttpRefusal {
  readonly statusCode: 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: string;
    readonly error_description: string;
    /** What the caller can do. Only with 401. */
    readonly next_step?: 'REFRESH' | 'LOGIN';
  };
}

/** The challenge names an error only if a token was sent (RFC 6750, section 3). */
export function httpRefusal(refusal: Refusal): HttpRefusal {
  const description = refusal.message;
  switch (refusal.kind) {
    case 'unauthenticated': {
      const challenge = refusal.tokenSent ? 'Bearer error="invalid_token"' : 'Bearer';
      const error = refusal.tokenSent ? 'invalid_token' : 'token_required';
      const body = { error, error_description: description, next_step: refusal.nextStep };
      return { statusCode: 401, headers: headersWith('www-authenticate', challenge), body };
    }
    case 'forbidden': {
      const body = { error: 'insufficient_scope', error_description: description };
      const challenge = 'Bearer error="insufficient_scope"';
      return { statusCode: 403, headers: headersWith('www-authenticate', challenge), body };
    }
    case 'undecided': {
      const body = { error: 'temporarily_unavailable', error_description: description };
      const seconds = Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000));
      return { statusCode: 503, headers: headersWith('retry-after', String(seconds)), body };
    }
  }
}

function headersWith(name: string, value: string): Readonly<Record<string, string>> {
  return { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', [name]: value };
}
