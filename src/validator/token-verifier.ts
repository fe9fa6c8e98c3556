import { type CryptoKey, compactVerify, errors } from 'jose';
import { type AccessTokenClaims, parseClaims, parseCompactToken } from './access-token.ts';
import type { KeySet, VerificationKey } from './key-set.ts';
import { hasLowS } from './low-s.ts';
import type { Accepted, RejectionReason } from './verdict.ts';

/** A token whose signature and form are good. What changes with time is judged elsewhere, at every use. */
export interface VerifiedToken {
  readonly keyId: string;
  /** What its signature was verified with. */
  readonly key: VerificationKey;
  readonly claims: AccessTokenClaims;
  /** The verdict on it while nothing speaks against it. */
  readonly accepted: Accepted;
  /**
   * From this instant on the revocation log alone tells whether the session has ended: the token's issue, or a
   * later look at the session record. Milliseconds since 1970.
   */
  coveredFrom: number;
}

/** Why a token could not be verified. */
export interface Unverified {
  readonly reason: Extract<RejectionReason, 'MALFORMED' | 'SIGNATURE' | 'UNKNOWN_KEY'>;
}

/**
 * Verifies signatures, and remembers the tokens it has verified. Two generations of a map bound the memory: when the
 * young one is full it becomes the old one, and what was not asked for since is dropped. So the tokens used last, as
 * many as a generation holds, are always there, and at most twice as many are held.
 */
export class TokenVerifier {
  readonly #keys: KeySet;
  readonly #generationSize: number;
  #hits = 0;
  #misses = 0;
  #young = new Map<string, VerifiedToken>();
  #old = new Map<string, VerifiedToken>();

  /** @param cacheSize how many of the tokens used last are remembered at least, and half of what is held at most; 0: none. */
  constructor(keys: KeySet, cacheSize: number) {
    this.#keys = keys;
    this.#generationSize = cacheSize;
  }

  /** How often a token was recalled, and how often it had to be verified, since the start. */
  get lookups(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /** The token if it was verified before and its key is still published. */
  recall(token: string): VerifiedToken | undefined {
    const verified = this.#young.get(token) ?? this.#promote(token);
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
    if (key.algorithm !== parsed.algorithm || isTwin(token, key.algorithm)) return { reason: 'SIGNATURE' };
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
    if (this.#generationSize === 0) return;
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(token, verified);
  }

  #promote(token: string): VerifiedToken | undefined {
    const verified = this.#old.get(token);
    if (verified !== undefined) this.#remember(token, verified);
    return verified;
  }
}

/** The other signature that ES256 has for the same token: it verifies, and would be a second spelling. */
function isTwin(token: string, algorithm: string): boolean {
  if (algorithm !== 'ES256') return false;
  return !hasLowS(Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'));
}

/** Undefined: the signature does not verify. Whatever else goes wrong is thrown. */
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
