import { createdAtOf } from './session-id.ts';

/** The claims of an access token (RFC 9068) with a verified signature. Times are milliseconds since 1970. */
export interface AccessTokenClaims {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly userId: string;
  readonly sessionId: string;
  /** When the session was opened: the timestamp in its id. */
  readonly sessionCreatedAt: number;
  readonly clientId: string;
  readonly tokenId: string;
  readonly roles: readonly string[];
  readonly authenticationMethods: readonly string[];
  readonly authenticatedAt: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The parsed header of an unverified token. */
export interface CompactToken {
  readonly algorithm: string;
  readonly keyId: string;
}

/**
 * Longer tokens are rejected unparsed. Tokens have about 600 characters; with 32 roles of maximum length, about 4,600.
 */
export const MAX_TOKEN_LENGTH = 8192;

const SEGMENT = /^[A-Za-z0-9_-]+$/;
const TYPES = new Set(['at+jwt', 'application/at+jwt']);

/**
 * Parses an access token in the canonical JWS compact form; undefined if it is anything else.
 *
 * Each token has exactly one valid spelling. Base64url with padding, white space or spare bits would decode to the same
 * bytes. It would bypass anything keyed by the token text.
 */
export function parseCompactToken(token: string): CompactToken | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const segments = token.split('.');
  const [header = '', payload = '', signature = ''] = segments;
  if (segments.length !== 3 || !isCanonical(payload) || !isCanonical(signature)) return undefined;
  return parseHeader(header);
}

function parseHeader(header: string): CompactToken | undefined {
  if (!isCanonical(header)) return undefined;
  const fields = parseObject(Buffer.from(header, 'base64url'));
  const { alg, kid, typ } = fields ?? {};
  if (typeof alg !== 'string' || typeof kid !== 'string' || typeof typ !== 'string') return undefined;
  return TYPES.has(typ.toLowerCase()) ? { algorithm: alg, keyId: kid } : undefined;
}

/** The claims of a verified payload; undefined if one is missing or has a wrong type. */
export function parseClaims(payload: Uint8Array): AccessTokenClaims | undefined {
  const fields = parseObject(payload);
  if (fields === undefined) return undefined;
  const { iss, aud, sub, sid, client_id: clientId, jti, roles, amr, auth_time: authTime, iat, exp } = fields;
  const audiences = typeof aud === 'string' ? [aud] : aud;
  if (!isText(iss) || !isText(sub) || !isText(sid) || !isText(jti) || typeof clientId !== 'string')
    return undefined;
  if (!isTexts(audiences) || !isTexts(roles) || !isTexts(amr)) return undefined;
  if (!isSeconds(authTime) || !isSeconds(iat) || !isSeconds(exp)) return undefined;
  const sessionCreatedAt = createdAtOf(sid);
  if (sessionCreatedAt === undefined) return undefined;
  return {
    issuer: iss,
    audiences,
    userId: sub,
    sessionId: sid,
    sessionCreatedAt,
    clientId,
    tokenId: jti,
    roles,
    authenticationMethods: amr,
    authenticatedAt: authTime * 1_000,
    issuedAt: iat * 1_000,
    expiresAt: exp * 1_000,
  };
}

function isCanonical(segment: string): boolean {
  return SEGMENT.test(segment) && Buffer.from(segment, 'base64url').toString('base64url') === segment;
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1e11;
}
