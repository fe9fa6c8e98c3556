import type { Insertable, Kysely, Selectable } from 'kysely';
import type { LimitAction, PolicyKind } from '../../core/user/device-policy.ts';

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
  /** Null: the user has no policy of their own. */
  readonly device_policy: PolicyKind | null;
  /** Set if the policy is `limit`. */
  readonly max_sessions: number | null;
  /** Set unless the policy is `unlimited`. */
  readonly device_limit_action: LimitAction | null;
  readonly kept_session_id: string | null;
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

/** Times are in milliseconds since the Unix epoch. Empty text: not known, or does not apply. */
export interface AuditEventsTable {
  /** A UUIDv7 with the time `happened_at`. So the primary key is also the order and the index by time. */
  readonly event_id: string;
  readonly happened_at: number;
  readonly last_at: number;
  readonly count: number;
  readonly kind: string;
  readonly user_id: string;
  /** The user's name when the event was stored. */
  readonly username: string | null;
  readonly session_id: string;
  readonly actor_kind: string;
  readonly actor_user_id: string;
  /** The actor's name when the event was stored. */
  readonly actor_username: string | null;
  readonly actor_session_id: string;
  readonly actor_client_id: string;
  readonly ip_address: string;
  readonly client_id: string;
  readonly reason: string;
  /** A JSON object of strings. */
  readonly details: string;
}

/** Times are in milliseconds since the Unix epoch. The primary key is (provider, subject). */
export interface IdentitiesTable {
  readonly provider: string;
  readonly subject: string;
  /** Deleting the user deletes the row. */
  readonly user_id: string;
  readonly display_name: string;
  readonly linked_at: number;
  readonly last_used_at: number | null;
}

export interface Schema {
  readonly users: UsersTable;
  readonly identities: IdentitiesTable;
  readonly audit_events: AuditEventsTable;
  readonly signing_keys: SigningKeysTable;
  readonly locks: LocksTable;
}

export type UserRow = Selectable<UsersTable>;
export type NewUserRow = Insertable<UsersTable>;
export type IdentityRow = Selectable<IdentitiesTable>;
export type SigningKeyRow = Selectable<SigningKeysTable>;
export type AuditEventRow = Selectable<AuditEventsTable>;

/** The database handles that the queries use. */
export interface SqlHandle {
  /** Sees every committed change and never waits for a writer. */
  readonly read: Kysely<Schema>;
  readonly write: Kysely<Schema>;
  /** True if the driver reports a unique violation on `users.username_key`. */
  isUsernameTaken(error: unknown): boolean;
}
