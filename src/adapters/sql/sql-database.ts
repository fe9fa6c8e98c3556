import type { AuditTrail } from '../../core/audit/audit-trail.ts';
import type { KeyStore } from '../../core/keys/key-store.ts';
import type { IdentityDirectory } from '../../core/user/identity-directory.ts';
import type { UserDirectory } from '../../core/user/user-directory.ts';

/** Time limit for one store operation, in milliseconds. Includes the wait for a connection and all statements. */
export const SQL_DEADLINE_MS = 900;

/** An open database with users, their identities, signing keys and the audit trail. */
export interface SqlDatabase {
  readonly users: UserDirectory;
  readonly identities: IdentityDirectory;
  readonly keys: KeyStore;
  readonly audit: AuditTrail;
  /**
   * Runs pending migrations. Call it first, at every start. If several processes start together, one migrates and
   * the others wait up to a minute. Fails with STORE_UNAVAILABLE.
   */
  migrate(): Promise<void>;
  /** Resolves if the database answers a query. Fails with STORE_UNAVAILABLE within a second. */
  ping(): Promise<void>;
  /** Closes all connections within two seconds, even if the server does not respond. */
  close(): Promise<void>;
}
