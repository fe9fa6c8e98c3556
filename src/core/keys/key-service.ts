import type { Clock } from '../../validator/clock.ts';
import { type Failure, storeUnavailable } from '../failure.ts';
import {
  isRemovalDue,
  isRotationDue,
  type KeyLifecycle,
  type KeyPolicy,
  type KeyState,
  lifecyclesAt,
  successorSignsFrom,
} from './key-lifecycle.ts';
import type { KeyMaterial, TokenSigner } from './key-material.ts';
import { masterKeyIdOf, openPrivateKey, sealPrivateKey } from './key-sealing.ts';
import type { KeyStore } from './key-store.ts';
import type { MasterKeys } from './master-key.ts';
import type { PublicJwk, SigningAlgorithm, StoredSigningKey } from './signing-key.ts';

export interface KeyServiceOptions {
  readonly store: KeyStore;
  readonly material: KeyMaterial;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly policy: KeyPolicy;
}

/** A published key without its private part. Times are milliseconds since 1970. */
export interface SigningKeyInfo {
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: Exclude<KeyState, 'EXPIRED'>;
  readonly createdAt: number;
  readonly signsFrom: number;
  /** Undefined: it has no successor. */
  readonly signsUntil?: number | undefined;
  readonly publishedUntil?: number | undefined;
  /** The id of the master key that sealed it; undefined: its record has an unknown format. */
  readonly masterKeyId: string | undefined;
}

/**
 * Minimum interval between two store reads by `reload`; milliseconds. Limits the load from tokens with made-up key ids.
 */
const MIN_RELOAD_INTERVAL_MS = 1_000;

/**
 * The signing keys for access tokens, as known to this process.
 *
 * The signing key follows from the key list and the clock alone. So all processes choose the same key without
 * coordination.
 * A key that was added after the list was read cannot sign within `publishLeadMs`. The list is used for half of that;
 * the other half allows for clock differences. After that, `signer` reads the list again before it signs. If that
 * fails, it throws STORE_UNAVAILABLE, because other processes may have removed its key.
 */
export class KeyService {
  readonly #options: KeyServiceOptions;
  readonly #signers = new Map<string, TokenSigner>();
  readonly #errors = new Map<string, unknown>();
  #keys: readonly StoredSigningKey[] = [];
  /** By the monotonic clock; milliseconds. */
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #ticking: Promise<void> | undefined;
  #closed = false;

  constructor(options: KeyServiceOptions) {
    this.#options = options;
  }

  /**
   * Loads the keys, and creates the first one if there is none. Fails with STORE_UNAVAILABLE, or INTERNAL if the
   * signing key cannot be decrypted.
   */
  async start(): Promise<void> {
    await this.#load();
    if (this.#keys.length === 0) await this.#addSuccessor();
    this.#currentSigner();
  }

  /** Waits for a running `tick`; later calls of `tick` do nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#ticking?.catch(() => undefined);
  }

  /** Returns a signer with the current signing key. Cheap: call it for every token. */
  signer(): TokenSigner {
    const held = this.#currentSigner();
    if (this.#ageMs() < this.#options.policy.publishLeadMs / 2) return held;
    return {
      keyId: held.keyId,
      sign: async (claims) => {
        await this.#load();
        return this.#currentSigner().sign(claims);
      },
    };
  }

  /**
   * Adds a successor to the newest key. It signs after it has been published long enough. Until then further calls
   * return it and add no other key. Concurrent calls in several processes add one key, and all return it. Fails with
   * STORE_UNAVAILABLE.
   */
  async rotate(): Promise<SigningKeyInfo> {
    await this.#load();
    if (this.list()[0]?.state !== 'PUBLISHED') await this.#addSuccessor();
    const [newest] = this.list();
    if (newest === undefined) throw noKey();
    return newest;
  }

  /** The published keys, newest first. */
  list(): readonly SigningKeyInfo[] {
    return this.#lifecycles().flatMap(({ key, state, signsUntil, publishedUntil }) => {
      if (state === 'EXPIRED') return [];
      const { keyId, algorithm, createdAt, signsFrom } = key;
      const masterKeyId = masterKeyIdOf(key.sealedPrivateJwk);
      return [{ keyId, algorithm, state, createdAt, signsFrom, signsUntil, publishedUntil, masterKeyId }];
    });
  }

  /** The keys that verifiers need, newest first: keys that sign, will sign, or signed a live token. */
  publicKeys(): readonly PublicJwk[] {
    return this.#lifecycles().flatMap(({ key, state }) => (state === 'EXPIRED' ? [] : [key.publicJwk]));
  }

  /**
   * Like `publicKeys`, for remote verifiers. Reads the keys again if a key that is unknown here may sign already. Then
   * it can fail with STORE_UNAVAILABLE.
   */
  async currentPublicKeys(): Promise<readonly PublicJwk[]> {
    if (this.#ageMs() >= this.#options.policy.publishLeadMs / 2) await this.#load();
    return this.publicKeys();
  }

  /** Reads the keys again, at most once per second. Concurrent calls share one read. Fails with STORE_UNAVAILABLE. */
  async reload(): Promise<void> {
    if (this.#loading === undefined && this.#ageMs() < MIN_RELOAD_INTERVAL_MS) return;
    await this.#load();
  }

  /**
   * Loads keys that other processes added, adds the next key in time, and removes keys that are no longer needed.
   *
   * Call it at an interval well under half of `publishLeadMs`. Fails with STORE_UNAVAILABLE, and with INTERNAL if the
   * current or next signing key cannot be decrypted. Log the error; the next call retries.
   */
  tick(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#ticking ??= this.#maintainKeys().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  async #maintainKeys(): Promise<void> {
    const { clock, policy, store } = this.#options;
    await this.#load();
    const [newest] = this.#keys;
    if (newest === undefined || isRotationDue(newest, policy, clock.now())) await this.#addSuccessor();
    const unneeded = this.#lifecycles().filter((lifecycle) => isRemovalDue(lifecycle, clock.now()));
    if (unneeded.length > 0) {
      await store.remove(unneeded.map(({ key }) => key.keyId));
      await this.#loadAnew();
    }
    const [error] = this.#errors.values();
    if (error !== undefined) throw error;
  }

  /** Adds a successor to the newest known key. If another process added one first, loads that key instead. */
  async #addSuccessor(): Promise<void> {
    const { store, material, masterKeys, clock, policy } = this.#options;
    const [newest] = this.#keys;
    const { keyId, publicJwk, privateJwk } = await material.generate(policy.algorithm);
    const now = clock.now();
    await store.insertAfter(newest?.keyId, {
      keyId,
      algorithm: policy.algorithm,
      publicJwk,
      sealedPrivateJwk: sealPrivateKey(privateJwk, keyId, masterKeys),
      createdAt: now,
      signsFrom: successorSignsFrom(newest, policy, now),
    });
    await this.#loadAnew();
  }

  /** A read that started earlier may miss what was just written. */
  async #loadAnew(): Promise<void> {
    await this.#loading?.catch(() => undefined);
    await this.#load();
  }

  #load(): Promise<void> {
    this.#loading ??= this.#readKeys().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #readKeys(): Promise<void> {
    const askedAt = this.#options.clock.monotonic();
    const keys = await this.#options.store.list();
    const lifecycles = lifecyclesAt(keys, this.#options.policy, this.#options.clock.now());
    await Promise.all(
      lifecycles
        .filter(({ key, state }) => mayStillSign(state) && !this.#signers.has(key.keyId))
        .map(({ key }) => this.#open(key)),
    );
    this.#forget(new Set(lifecycles.flatMap(({ key, state }) => (mayStillSign(state) ? [key.keyId] : []))));
    this.#keys = keys;
    this.#loadedAt = askedAt;
  }

  /** A key that cannot be decrypted causes an error only when it must sign. The other keys work until then. */
  async #open(key: StoredSigningKey): Promise<void> {
    try {
      const privateJwk = openPrivateKey(key.sealedPrivateJwk, key.keyId, this.#options.masterKeys);
      this.#signers.set(key.keyId, await this.#options.material.signer(key.keyId, key.algorithm, privateJwk));
      this.#errors.delete(key.keyId);
    } catch (error) {
      this.#errors.set(key.keyId, error);
    }
  }

  #forget(needed: ReadonlySet<string>): void {
    for (const held of [this.#signers, this.#errors]) {
      for (const keyId of held.keys()) if (!needed.has(keyId)) held.delete(keyId);
    }
  }

  #currentSigner(): TokenSigner {
    const signing = this.#lifecycles().find(({ state }) => state === 'SIGNING');
    if (signing === undefined) throw noKey();
    const signer = this.#signers.get(signing.key.keyId);
    if (signer === undefined) throw this.#errors.get(signing.key.keyId) ?? noKey();
    return signer;
  }

  #lifecycles(): readonly KeyLifecycle[] {
    return lifecyclesAt(this.#keys, this.#options.policy, this.#options.clock.now());
  }

  #ageMs(): number {
    return this.#options.clock.monotonic() - this.#loadedAt;
  }
}

function mayStillSign(state: KeyState): boolean {
  return state === 'PUBLISHED' || state === 'SIGNING';
}

function noKey(): Failure {
  return storeUnavailable('keys', new Error('no signing key is known'));
}
