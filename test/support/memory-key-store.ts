import { byNewestFirst } from '../../src/core/keys/key-lifecycle.ts';
import type { KeyStore } from '../../src/core/keys/key-store.ts';
import type { StoredSigningKey } from '../../src/core/keys/signing-key.ts';

/** Keeps signing keys in memory. */
export class MemoryKeyStore implements KeyStore {
  #keys: readonly StoredSigningKey[] = [];

  async list(): Promise<readonly StoredSigningKey[]> {
    return this.#keys;
  }

  async insertAfter(newest: string | undefined, key: StoredSigningKey): Promise<boolean> {
    if (this.#keys[0]?.keyId !== newest) return false;
    this.#keys = [...this.#keys, key].sort(byNewestFirst);
    return true;
  }

  async remove(keyIds: readonly string[]): Promise<void> {
    this.#keys = this.#keys.filter(({ keyId }) => !keyIds.includes(keyId));
  }
}
