import type { StoredSigningKey } from './signing-key.ts';

/**
 * The signing keys.
 *
 * Law: `insertAfter` is one transaction: of several processes that saw the same newest key and want to add
 * its successor, exactly one does. Durable when resolved. Faults of the driver are STORE_UNAVAILABLE with
 * `store: keys`.
 */
export interface KeyStore {
  /** Every stored key, newest first (by `signsFrom`, then `keyId`). */
  list(): Promise<readonly StoredSigningKey[]>;
  /** Inserts `key` if the newest stored key is `newest` (undefined: if there is none); answers whether it did. */
  insertAfter(newest: string | undefined, key: StoredSigningKey): Promise<boolean>;
  /** Removes keys that nobody needs any more. Removing one that is gone is no fault. */
  remove(keyIds: readonly string[]): Promise<void>;
}
