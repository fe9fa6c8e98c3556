import type { FastifyInstance } from 'fastify';

/** No inline script or style, and nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: browsers would send `Origin: null` with forms.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Routes that serve the same to everybody replace it.
  'cache-control': 'no-store',
};
const SECURE_HEADERS = { ...HEADERS, 'strict-transport-security': 'max-age=31536000' };

/** Sets the headers that every answer has. There are none for CORS: no other origin may read an answer. */
export function securityHeaders(app: FastifyInstance, isSecure: boolean): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headersFor(isSecure));
    done();
  });
}

/** The headers for an answer that no hook sees. */
export function headersFor(isSecure: boolean): Readonly<Record<string, string>> {
  return isSecure ? SECURE_HEADERS : HEADERS;
}
