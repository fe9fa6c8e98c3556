import type { Insertable, Kysely, Selectable } from 'kysely';

/** Times are in milliseconds since the Unix epoch. */
export interface UsersTable {
  readonly user_id: string;
  readonly username: string;
  readonly username_key: string;
  readonly password_hash: string;
  /** A JSON array of strings. */
  readonly roles: string;
  /** 1 if the roles include `admin`, otherwise 0. Indexed for the check that an enabled admin remains. */
  readonly is_admin: number;
  readonly disabled_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly password_changed_at: number;
  readonly version: number;
  readonly security_version: number;
}

/** Times are in milliseconds since the Unix epoch. */
export interface SigningKeysTable {
  readonly key_id: string;
  readonly algorithm: string;
  /** A JWK as JSON. */
  readonly public_jwk: string;
  readonly sealed_private_jwk: string;
  readonly created_at: number;
  readonly signs_from: number;
}

/** One row for each named lock; see `acquireLock`. */
export interface LocksTable {
  readonly name: string;
}

export interface Schema {
  readonly users: UsersTable;
  readonly signing_keys: SigningKeysTable;
  readonly locks: LocksTable;
}

export type UserRow = Selectable<UsersTable>;
export type NewUserRow = Insertable<UsersTable>;
export type SigningKeyRow = Selectable<SigningKeysTable>;

/** The database handles that the queries use. */
export interface SqlHandle {
  /** Sees every committed change and never waits for a writer. */
  readonly read: Kysely<Schema>;
  readonly write: Kysely<Schema>;
  /** True if the driver reports a unique violation on `users.username_key`. */
  isUsernameTaken(error: unknown): boolean;
}
