import type { Kysely } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';

/** Runs in the order of the names. Never edit a released migration; add a new one. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-users': { up: createUsers },
  '0002-signing-keys': { up: createSigningKeys },
  '0003-locks': { up: createLocks },
  '0004-audit-events': { up: createAuditEvents },
  '0005-device-policies': { up: addDevicePolicies },
  '0006-kept-sessions': { up: addKeptSessions },
  '0007-audit-events-by-kind': { up: indexAuditEventsByKind },
  '0008-identities': { up: createIdentities },
};

const provider: MigrationProvider = { getMigrations: async () => ({ ...MIGRATIONS }) };

/** Runs all pending migrations in one transaction. Processes take turns. Throws the driver's error. */
export async function migrateToLatest(db: Kysely<never>): Promise<void> {
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** A migration must not depend on today's `Schema`: it runs on the tables of its own time. */
type AnySchema = Kysely<never>;

async function createUsers(db: AnySchema): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('user_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('username_key', 'text', (column) => column.notNull())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('roles', 'text', (column) => column.notNull())
    .addColumn('is_admin', 'integer', (column) => column.notNull())
    .addColumn('disabled_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('password_changed_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('security_version', 'integer', (column) => column.notNull())
    .addUniqueConstraint('users_username_key_unique', ['username_key'])
    .execute();
  await db.schema.createIndex('users_admins').on('users').columns(['is_admin', 'disabled_at']).execute();
}

async function createSigningKeys(db: AnySchema): Promise<void> {
  await db.schema
    .createTable('signing_keys')
    .addColumn('key_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('public_jwk', 'text', (column) => column.notNull())
    .addColumn('sealed_private_jwk', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('signs_from', 'bigint', (column) => column.notNull())
    .execute();
}

async function createLocks(db: AnySchema): Promise<void> {
  await db.schema
    .createTable('locks')
    .addColumn('name', 'text', (column) => column.notNull().primaryKey())
    .execute();
}

async function createAuditEvents(db: AnySchema): Promise<void> {
  await db.schema
    .createTable('audit_events')
    .addColumn('event_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('happened_at', 'bigint', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('username', 'text')
    .addColumn('session_id', 'text', (column) => column.notNull())
    .addColumn('actor_kind', 'text', (column) => column.notNull())
    .addColumn('actor_user_id', 'text', (column) => column.notNull())
    .addColumn('actor_username', 'text')
    .addColumn('actor_session_id', 'text', (column) => column.notNull())
    .addColumn('actor_client_id', 'text', (column) => column.notNull())
    .addColumn('ip_address', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('details', 'text', (column) => column.notNull())
    .execute();
  for (const column of ['user_id', 'session_id', 'ip_address']) {
    await db.schema
      .createIndex(`audit_events_${column}`)
      .on('audit_events')
      .columns([column, 'event_id'])
      .execute();
  }
}

async function addDevicePolicies(db: AnySchema): Promise<void> {
  // SQLite adds one column at a time.
  await db.schema.alterTable('users').addColumn('device_policy', 'text').execute();
  await db.schema.alterTable('users').addColumn('max_sessions', 'integer').execute();
  await db.schema.alterTable('users').addColumn('device_limit_action', 'text').execute();
}

async function addKeptSessions(db: AnySchema): Promise<void> {
  await db.schema.alterTable('users').addColumn('kept_session_id', 'text').execute();
}

/** For the sign-ins and ends of a user, beside any number of failed sign-ins. */
async function indexAuditEventsByKind(db: AnySchema): Promise<void> {
  const index = (name: string, columns: readonly string[]) =>
    db.schema
      .createIndex(name)
      .on('audit_events')
      .columns([...columns])
      .execute();
  // Where SQLite finds two indexes equal, it takes the older one. So this one is created anew, after the other.
  await db.schema.dropIndex('audit_events_user_id').execute();
  await index('audit_events_user_id_kind', ['user_id', 'kind', 'event_id']);
  await index('audit_events_user_id', ['user_id', 'event_id']);
}

async function createIdentities(db: AnySchema): Promise<void> {
  await db.schema
    .createTable('identities')
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) =>
      column.notNull().references('users.user_id').onDelete('cascade'),
    )
    .addColumn('display_name', 'text', (column) => column.notNull())
    .addColumn('linked_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addPrimaryKeyConstraint('identities_primary_key', ['provider', 'subject'])
    .execute();
  await db.schema.createIndex('identities_user_id').on('identities').columns(['user_id']).execute();
}
