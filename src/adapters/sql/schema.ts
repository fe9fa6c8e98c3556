import type { Insertable, Kysely, Selectable } from 'kysely';

/** Times are milliseconds since 1970. */
export interface UsersTable {
  readonly user_id: string;
  readonly username: string;
  readonly username_key: string;
  readonly password_hash: string;
  /** A JSON array of texts. */
  readonly roles: string;
  /** 1 if `admin` is among the roles, else 0: what keeps the last admin is looked up by it. */
  readonly is_admin: number;
  readonly disabled_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly password_changed_at: number;
  readonly version: number;
  readonly security_version: number;
}

/** Times are milliseconds since 1970. */
export interface SigningKeysTable {
  readonly key_id: string;
  readonly algorithm: string;
  /** A JWK as JSON. */
  readonly public_jwk: string;
  readonly sealed_private_jwk: string;
  readonly created_at: number;
  readonly signs_from: number;
}

/** A row for each kind of transaction that has to run one after the other; see `takeTurn`. */
export interface TurnsTable {
  readonly name: string;
}

export interface Schema {
  readonly users: UsersTable;
  readonly signing_keys: SigningKeysTable;
  readonly turns: TurnsTable;
}

export type UserRow = Selectable<UsersTable>;
export type NewUserRow = Insertable<UsersTable>;
export type SigningKeyRow = Selectable<SigningKeysTable>;

/** One database, as the queries see it. */
export interface SqlHandle {
  /** Sees every committed change, and never waits for a writer. */
  readonly read: Kysely<Schema>;
  readonly write: Kysely<Schema>;
  /** Whether the driver reports that `users.username_key` is there already. */
  isUsernameTaken(error: unknown): boolean;
}
