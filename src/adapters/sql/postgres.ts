import { Kysely, PostgresDialect } from 'kysely';
import { DatabaseError, type PoolConfig } from 'pg';
import { storeUnavailable } from '../../core/failure.ts';
import { migrateToLatest } from './migrations.ts';
import { PostgresPool } from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import { SqlAuditTrail } from './sql-audit-trail.ts';
import { SQL_DEADLINE_MS, type SqlDatabase } from './sql-database.ts';
import { SqlIdentityDirectory } from './sql-identity-directory.ts';
import { SqlKeyStore } from './sql-key-store.ts';
import { SqlUserDirectory } from './sql-user-directory.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`. The query may hold `sslmode` and other libpq parameters. */
  readonly url: string;
  /** Default 10. Lookups by primary key are short, so few connections are enough. */
  readonly maxConnections?: number;
}

/** Just under `SQL_DEADLINE_MS`: a connection that does not answer is closed before the caller gets its error. */
const CONNECTION_WAIT_MS = SQL_DEADLINE_MS - 50;
/** Shorter than `CONNECTION_WAIT_MS`: when the server cancels a slow statement, the connection stays usable. */
const STATEMENT_TIMEOUT_MS = SQL_DEADLINE_MS - 150;
/** The server ends an idle transaction after this, so that a frozen process does not hold its locks; milliseconds. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** How long a starting process waits for another process to finish migrating; milliseconds. */
const MIGRATION_WAIT_MS = 60_000;

/** The SQLSTATE of a unique violation. */
const UNIQUE_VIOLATION = '23505';

/**
 * Creates a connection pool for PostgreSQL 13 or later. It connects on the first query. Every call has a time limit,
 * and the pool recovers without a restart. Requires session pooling: PgBouncer in transaction mode supports neither
 * the migration lock nor, before 1.21, prepared statements.
 */
export function openPostgres({ url, maxConnections = 10 }: PostgresOptions): SqlDatabase {
  const connection: PoolConfig = {
    connectionString: url,
    application_name: 'latchkey',
    keepAlive: true,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
  };
  const pool = new PostgresPool({
    ...connection,
    max: maxConnections,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: CONNECTION_WAIT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  const sql = { read: db, write: db, isUsernameTaken };
  const users = new SqlUserDirectory(sql);
  return {
    users,
    identities: new SqlIdentityDirectory(sql),
    keys: new SqlKeyStore(sql),
    audit: new SqlAuditTrail(sql),
    migrate: () => migrate({ ...connection, query_timeout: MIGRATION_WAIT_MS }),
    ping: () => users.ping(),
    close: () => pool.end(),
  };
}

/** Uses a separate connection, because the wait for the migration lock may exceed the query timeout. */
async function migrate(connection: PoolConfig): Promise<void> {
  let lost: Error | undefined;
  const pool = new PostgresPool({ ...connection, max: 1 }, (cause) => {
    lost ??= cause;
  });
  try {
    await migrateToLatest(new Kysely<never>({ dialect: new PostgresDialect({ pool }) }));
  } catch (error) {
    // After a lost connection, Kysely tries to release its lock and throws that error instead of the cause.
    throw storeUnavailable('users', lost ?? error);
  } finally {
    await pool.end();
  }
}

function isUsernameTaken(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    error.code === UNIQUE_VIOLATION &&
    error.constraint === 'users_username_key_unique'
  );
}
