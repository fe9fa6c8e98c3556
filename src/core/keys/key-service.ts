import type { Clock } from '../../validator/clock.ts';
import { type Failure, storeUnavailable } from '../failure.ts';
import {
  isRemovalDue,
  isRotationDue,
  type KeyLife,
  type KeyPolicy,
  type KeyState,
  livesAt,
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

/** A published key without its private half. Times: milliseconds since 1970. */
export interface SigningKeyInfo {
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: Exclude<KeyState, 'EXPIRED'>;
  readonly createdAt: number;
  readonly signsFrom: number;
  /** Undefined: it has no successor. */
  readonly signsUntil?: number | undefined;
  readonly publishedUntil?: number | undefined;
  /** The master key it is sealed under; undefined: its record is not of a form known here. */
  readonly masterKeyId: string | undefined;
}

/** `reload` asks the store at most this often; milliseconds. Tokens with made-up key ids cannot make it a burden. */
const MIN_RELOAD_INTERVAL_MS = 1_000;

/**
 * The keys that sign access tokens, as this process knows them.
 *
 * Which key signs follows from the list of keys and the clock alone, so every process comes to the same answer
 * without asking. A key that was added since the list was read cannot sign before `publishLeadMs` are over. The
 * answer is relied on for half of that (the other half is for clocks that differ); past it, `signer` reads the
 * list again before it signs, and fails with STORE_UNAVAILABLE rather than sign with a key that others may have
 * forgotten.
 */
export class KeyService {
  readonly #options: KeyServiceOptions;
  readonly #signers = new Map<string, TokenSigner>();
  readonly #faults = new Map<string, unknown>();
  #keys: readonly StoredSigningKey[] = [];
  /** By the monotonic clock. */
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #ticking: Promise<void> | undefined;
  #closed = false;

  constructor(options: KeyServiceOptions) {
    this.#options = options;
  }

  /**
   * Loads the keys; makes the first if there is none. Fails with STORE_UNAVAILABLE, or INTERNAL if a key cannot be
   * opened.
   */
  async start(): Promise<void> {
    await this.#load();
    if (this.#keys.length === 0) await this.#addSuccessor();
    this.#heldSigner();
  }

  /** Waits for a `tick` under way; there is none afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#ticking?.catch(() => undefined);
  }

  /** Signs with the key whose turn it is. Cheap: to be asked for every token. */
  signer(): TokenSigner {
    const held = this.#heldSigner();
    if (this.#ageMs() < this.#options.policy.publishLeadMs / 2) return held;
    return {
      keyId: held.keyId,
      sign: async (claims) => {
        await this.#load();
        return this.#heldSigner().sign(claims);
      },
    };
  }

  /**
   * Makes a successor to the newest key; it signs once it has been published long enough, and until then it is the
   * answer to every further call, so that a repeat makes no other. If another process does the same at the same
   * time, one key is made, and that is the answer to both. Fails with STORE_UNAVAILABLE.
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
    return this.#lives().flatMap(({ key, state, signsUntil, publishedUntil }) => {
      if (state === 'EXPIRED') return [];
      const { keyId, algorithm, createdAt, signsFrom } = key;
      const masterKeyId = masterKeyIdOf(key.sealedPrivateJwk);
      return [{ keyId, algorithm, state, createdAt, signsFrom, signsUntil, publishedUntil, masterKeyId }];
    });
  }

  /** What verifiers need, newest first: the keys that sign, will sign, or signed a token that still lives. */
  publicKeys(): readonly PublicJwk[] {
    return this.#lives().flatMap(({ key, state }) => (state === 'EXPIRED' ? [] : [key.publicJwk]));
  }

  /**
   * `publicKeys` for verifiers elsewhere, who rely on them: read anew where a key that is not known here may have begun
   * to sign by now. Fails with STORE_UNAVAILABLE then.
   */
  async currentPublicKeys(): Promise<readonly PublicJwk[]> {
    if (this.#ageMs() >= this.#options.policy.publishLeadMs / 2) await this.#load();
    return this.publicKeys();
  }

  /**
   * Reads the keys again, unless that was done just now. Callers at the same time share one read. Fails with
   * STORE_UNAVAILABLE.
   */
  async reload(): Promise<void> {
    if (this.#loading === undefined && this.#ageMs() < MIN_RELOAD_INTERVAL_MS) return;
    await this.#load();
  }

  /**
   * What is due by now: learns of keys that other processes made, makes the next one in time, removes what
   * nobody needs. To be called on an interval well under half of `publishLeadMs`. Fails with STORE_UNAVAILABLE,
   * and with INTERNAL if a key that signs now or next cannot be opened: to be logged, the next call tries again.
   */
  tick(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#ticking ??= this.#doWhatIsDue().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  async #doWhatIsDue(): Promise<void> {
    const { clock, policy, store } = this.#options;
    await this.#load();
    const [newest] = this.#keys;
    if (newest === undefined || isRotationDue(newest, policy, clock.now())) await this.#addSuccessor();
    const unneeded = this.#lives().filter((life) => isRemovalDue(life, clock.now()));
    if (unneeded.length > 0) {
      await store.remove(unneeded.map(({ key }) => key.keyId));
      await this.#loadAnew();
    }
    const [fault] = this.#faults.values();
    if (fault !== undefined) throw fault;
  }

  /** Adds a successor to the newest key that is known; where another process was first, learns of its key instead. */
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

  /** A read that began earlier may not know of what was just written. */
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
    const lives = livesAt(keys, this.#options.policy, this.#options.clock.now());
    await Promise.all(
      lives
        .filter(({ key, state }) => mayStillSign(state) && !this.#signers.has(key.keyId))
        .map(({ key }) => this.#open(key)),
    );
    this.#forget(new Set(lives.flatMap(({ key, state }) => (mayStillSign(state) ? [key.keyId] : []))));
    this.#keys = keys;
    this.#loadedAt = askedAt;
  }

  /** A key that cannot be opened is a fault when its turn comes, not before: the others work until then. */
  async #open(key: StoredSigningKey): Promise<void> {
    try {
      const privateJwk = openPrivateKey(key.sealedPrivateJwk, key.keyId, this.#options.masterKeys);
      this.#signers.set(key.keyId, await this.#options.material.signer(key.keyId, key.algorithm, privateJwk));
      this.#faults.delete(key.keyId);
    } catch (fault) {
      this.#faults.set(key.keyId, fault);
    }
  }

  #forget(needed: ReadonlySet<string>): void {
    for (const held of [this.#signers, this.#faults]) {
      for (const keyId of held.keys()) if (!needed.has(keyId)) held.delete(keyId);
    }
  }

  #heldSigner(): TokenSigner {
    const signing = this.#lives().find(({ state }) => state === 'SIGNING');
    if (signing === undefined) throw noKey();
    const signer = this.#signers.get(signing.key.keyId);
    if (signer === undefined) throw this.#faults.get(signing.key.keyId) ?? noKey();
    return signer;
  }

  #lives(): readonly KeyLife[] {
    return livesAt(this.#keys, this.#options.policy, this.#options.clock.now());
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
