import type { StoredSigningKey } from './signing-key.ts';

/**
 * The store of signing keys.
 *
 * Law:
 * - `insertAfter` is one transaction. If several processes add a successor to the same newest key, exactly one
 *   succeeds.
 * - A write is durable when its promise resolves.
 * - Driver errors become STORE_UNAVAILABLE with `store: keys`.
 */
export interface KeyStore {
  /** Every stored key, newest first (by `signsFrom`, then `keyId`). */
  list(): Promise<readonly StoredSigningKey[]>;
  /** Inserts `key` if the newest stored key is `newest` (undefined: if there is none). Returns whether it did. */
  insertAfter(newest: string | undefined, key: StoredSigningKey): Promise<boolean>;
  /** Removes keys that are no longer needed. A missing key is not an error. */
  remove(keyIds: readonly string[]): Promise<void>;
}
