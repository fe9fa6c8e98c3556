const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * The token in `authorization: Bearer <token>` (RFC 6750, section 2.1). Undefined if it is missing, malformed or sent
 * more than once.
 *
 * @param entries the values of all `authorization` entries of a call.
 */
export function bearerTokenOf(entries: readonly string[]): string | undefined {
  return entries.length === 1 ? BEARER.exec(entries[0] ?? '')?.[1] : undefined;
}
