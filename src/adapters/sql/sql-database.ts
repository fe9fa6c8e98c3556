import type { KeyStore } from '../../core/keys/key-store.ts';
import type { UserDirectory } from '../../core/user/user-directory.ts';

/** An open database: what must outlive a process, users and signing keys. */
export interface SqlDatabase {
  readonly users: UserDirectory;
  readonly keys: KeyStore;
  /**
   * Brings the tables up to date. To be called before anything else, at every start: of several processes one does
   * the work while the others wait, up to a minute. Fails with STORE_UNAVAILABLE.
   */
  migrate(): Promise<void>;
  /** Resolves if a query can be answered now; fails with STORE_UNAVAILABLE within a second. */
  ping(): Promise<void>;
  /** Closes all connections, within two seconds, whatever the server does. */
  close(): Promise<void>;
}
