import { type CryptoKey, compactVerify, errors } from 'jose';
import { type AccessTokenClaims, parseClaims, parseCompactToken } from './access-token.ts';
import type { KeySet, VerificationKey } from './key-set.ts';
import { hasLowS } from './low-s.ts';
import type { Accepted, RejectionReason } from './verdict.ts';

/** A token with a valid signature and form. Its expiry and its session are checked at every use. */
export interface VerifiedToken {
  readonly keyId: string;
  /** The key that verified its signature. */
  readonly key: VerificationKey;
  readonly claims: AccessTokenClaims;
  /** The verdict if no other check fails. */
  readonly accepted: Accepted;
  /**
   * The session was live at this time; milliseconds since 1970. It is when the token was issued, or a later read of
   * the session record. A later end of the session is in the revocation log, if the log covers this time.
   */
  coveredFrom: number;
}

/** Why a token could not be verified. */
export interface Unverified {
  readonly reason: Extract<RejectionReason, 'MALFORMED' | 'SIGNATURE' | 'UNKNOWN_KEY'>;
}

/**
 * Verifies signatures and caches verified tokens.
 *
 * The cache is two maps: `recent` and `previous`. A full `recent` becomes `previous`, and the old `previous` is dropped.
 * A token that is used again moves to `recent`. So at least the `cacheSize` most recently used tokens are cached.
 */
export class TokenVerifier {
  readonly #keys: KeySet;
  readonly #mapSize: number;
  #hits = 0;
  #misses = 0;
  #recent = new Map<string, VerifiedToken>();
  #previous = new Map<string, VerifiedToken>();

  /** @param cacheSize minimum number of recently used tokens to cache. At most twice as many are held. 0: no cache. */
  constructor(keys: KeySet, cacheSize: number) {
    this.#keys = keys;
    this.#mapSize = cacheSize;
  }

  /** Cache hits and misses since the start. */
  get lookups(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /** The cached token, if its key is still published. */
  findCached(token: string): VerifiedToken | undefined {
    const verified = this.#recent.get(token) ?? this.#promote(token);
    if (verified === undefined || this.#keys.find(verified.keyId) !== verified.key) return undefined;
    this.#hits += 1;
    return verified;
  }

  async verify(token: string): Promise<VerifiedToken | Unverified> {
    this.#misses += 1;
    const parsed = parseCompactToken(token);
    if (parsed === undefined) return { reason: 'MALFORMED' };
    const key = this.#keys.find(parsed.keyId) ?? (await this.#keys.findOrRefetch(parsed.keyId));
    if (key === undefined) return { reason: 'UNKNOWN_KEY' };
    if (key.algorithm !== parsed.algorithm || hasHighS(token, key.algorithm)) return { reason: 'SIGNATURE' };
    const payload = await verifiedPayload(token, key.key, key.algorithm);
    if (payload === undefined) return { reason: 'SIGNATURE' };
    const claims = parseClaims(payload);
    if (claims === undefined) return { reason: 'MALFORMED' };
    const accepted: Accepted = { kind: 'accepted', claims, encodedIdentity: undefined };
    const verified = { keyId: parsed.keyId, key, claims, accepted, coveredFrom: claims.issuedAt };
    this.#remember(token, verified);
    return verified;
  }

  #remember(token: string, verified: VerifiedToken): void {
    if (this.#mapSize === 0) return;
    if (this.#recent.size >= this.#mapSize) {
      this.#previous = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(token, verified);
  }

  #promote(token: string): VerifiedToken | undefined {
    const verified = this.#previous.get(token);
    if (verified !== undefined) this.#remember(token, verified);
    return verified;
  }
}

/** Every ES256 signature has a second valid form with high s. Accepting both would allow two texts of one token. */
function hasHighS(token: string, algorithm: string): boolean {
  if (algorithm !== 'ES256') return false;
  return !hasLowS(Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'));
}

/** Undefined: the signature is invalid. Any other error is thrown. */
async function verifiedPayload(
  token: string,
  key: CryptoKey,
  algorithm: string,
): Promise<Uint8Array | undefined> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
