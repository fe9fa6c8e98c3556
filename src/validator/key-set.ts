import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { Clock } from './clock.ts';

/** A key that verifies signatures. */
export interface VerificationKey {
  readonly algorithm: string;
  /** The key data. Detects a different key with the same id. */
  readonly material: string;
  readonly key: CryptoKey;
}

export interface KeySetOptions {
  /** Returns the currently published keys. */
  readonly fetch: () => Promise<readonly JWK[]>;
  readonly clock: Clock;
  /** Minimum interval between two fetches because of an unknown key id; milliseconds. */
  readonly minRefetchIntervalMs: number;
}

const ALGORITHMS: ReadonlyMap<string, { readonly kty: string; readonly crv: string }> = new Map([
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
]);

/** The published keys, by id. Keys in the token itself (`jwk`, `jku`, `x5u`) are ignored. */
export class KeySet {
  readonly #options: KeySetOptions;
  #keys: ReadonlyMap<string, VerificationKey> = new Map();
  #refreshing: Promise<void> | undefined;
  #lastRefetchAt = Number.NEGATIVE_INFINITY;
  #isOutdated = false;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** Whether the last fetch failed. Then an unknown key may be published. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  find(keyId: string): VerificationKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Fetches the keys. Concurrent callers share one fetch. */
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
   * Returns the key; undefined: it is not published. Fetches the keys if the id is unknown, at most once per
   * `minRefetchIntervalMs`. So tokens with made-up key ids cannot cause more fetches.
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
    for (const [keyId, usable] of usableKeys(await this.#options.fetch())) {
      const known = this.#keys.get(keyId);
      const key = known?.material === usable.material ? known : await imported(usable);
      if (key !== undefined) loaded.set(keyId, key);
    }
    this.#keys = loaded;
  }
}

interface UsableKey {
  readonly keyId: string;
  readonly algorithm: string;
  readonly material: string;
  readonly jwk: JWK;
}

/** By id. If two different keys share an id, neither is used: a token does not say which one it means. */
function usableKeys(published: readonly JWK[]): ReadonlyMap<string, UsableKey> {
  const usable = new Map<string, UsableKey>();
  const ambiguous = new Set<string>();
  for (const key of published.flatMap(usableKey)) {
    const { keyId, material } = usable.get(key.keyId) ?? key;
    if (material !== key.material) ambiguous.add(keyId);
    usable.set(keyId, key);
  }
  for (const keyId of ambiguous) usable.delete(keyId);
  return usable;
}

/** The used fields of a published key; empty if tokens are not signed with this kind of key. */
function usableKey(jwk: JWK): readonly UsableKey[] {
  if (typeof jwk !== 'object' || jwk === null || !isForVerifying(jwk)) return [];
  const { kid: keyId, alg: algorithm, kty, crv, x, y, d } = jwk;
  const form = typeof algorithm === 'string' ? ALGORITHMS.get(algorithm) : undefined;
  if (typeof keyId !== 'string' || algorithm === undefined || form === undefined) return [];
  if (kty !== form.kty || crv !== form.crv || d !== undefined) return [];
  return [{ keyId, algorithm, material: `${algorithm} ${x} ${y}`, jwk }];
}

/** RFC 7517, sections 4.2 and 4.3: a key declares its purpose in `use`, in `key_ops`, in both, or not at all. */
function isForVerifying({ use, key_ops: operations }: JWK): boolean {
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

/** Undefined: the key is invalid. The other keys remain usable. */
async function imported({ algorithm, material, jwk }: UsableKey): Promise<VerificationKey | undefined> {
  try {
    return { algorithm, material, key: (await importJWK(jwk, algorithm)) as CryptoKey };
  } catch {
    return undefined;
  }
}
