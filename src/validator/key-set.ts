import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { Clock } from './clock.ts';

/** A key that signatures are verified with. */
export interface VerificationKey {
  readonly algorithm: string;
  readonly key: CryptoKey;
}

export interface KeySetOptions {
  /** Answers the keys that are published now. */
  readonly fetch: () => Promise<readonly JWK[]>;
  readonly clock: Clock;
  /** An unknown key id asks for the keys at most this often; milliseconds. */
  readonly minRefetchIntervalMs: number;
}

const ALGORITHMS: ReadonlyMap<string, { readonly kty: string; readonly crv: string }> = new Map([
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
]);

/** The published keys, by id. A token never brings its own: `jwk`, `jku` and `x5u` headers are not read. */
export class KeySet {
  readonly #options: KeySetOptions;
  #keys: ReadonlyMap<string, VerificationKey> = new Map();
  #refreshing: Promise<void> | undefined;
  #lastRefetchAt = Number.NEGATIVE_INFINITY;
  #isOutdated = false;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** Whether the keys could not be fetched when that was last tried: one that is not known may be published. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  find(keyId: string): VerificationKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Fetches the keys. Callers at the same time share one fetch. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#load()
      .then(
        () => {
          this.#isOutdated = false;
        },
        (error: unknown) => {
          this.#isOutdated = true;
          throw error;
        },
      )
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  /**
   * The key, after asking anew if it is not known and nobody asked just before; undefined: it is not
   * published. Tokens with made-up key ids cannot make this ask more often than the interval.
   */
  async findOrRefetch(keyId: string): Promise<VerificationKey | undefined> {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return known;
    const at = this.#options.clock.monotonic();
    if (this.#refreshing === undefined && at - this.#lastRefetchAt < this.#options.minRefetchIntervalMs) {
      return undefined;
    }
    this.#lastRefetchAt = at;
    await this.refresh();
    return this.#keys.get(keyId);
  }

  async #load(): Promise<void> {
    const loaded = new Map<string, VerificationKey>();
    for (const jwk of await this.#options.fetch()) {
      const { kid, alg } = jwk;
      const form = alg === undefined ? undefined : ALGORITHMS.get(alg);
      if (kid === undefined || alg === undefined || form === undefined) continue;
      if (jwk.kty !== form.kty || jwk.crv !== form.crv || jwk.d !== undefined || loaded.has(kid)) continue;
      const known = this.#keys.get(kid);
      loaded.set(kid, known ?? { algorithm: alg, key: (await importJWK(jwk, alg)) as CryptoKey });
    }
    this.#keys = loaded;
  }
}
