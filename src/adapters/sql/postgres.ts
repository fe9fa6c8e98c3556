import { Kysely, PostgresDialect } from 'kysely';
import { DatabaseError, type PoolConfig } from 'pg';
import { storeUnavailable } from '../../core/failure.ts';
import { ANSWER_WITHIN_MS } from './answer-in-time.ts';
import { migrateToLatest } from './migrations.ts';
import { PromptPool } from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import type { SqlDatabase } from './sql-database.ts';
import { SqlKeyStore } from './sql-key-store.ts';
import { SqlUserDirectory } from './sql-user-directory.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with `sslmode` and whatever else libpq knows in its query. */
  readonly url: string;
  /** Default 10: look-ups by primary key need few. */
  readonly maxConnections?: number;
}

/** Just under `ANSWER_WITHIN_MS`, so that a connection that does not answer is cut by then. */
const CONNECTION_WAIT_MS = ANSWER_WITHIN_MS - 50;
/** The server gives up by itself before that, which keeps the connection. */
const STATEMENT_TIMEOUT_MS = ANSWER_WITHIN_MS - 150;
/** A transaction whose owner froze gives its locks back after this. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** How long a start waits for another that migrates; milliseconds. */
const MIGRATION_WAIT_MS = 60_000;

/** The SQLSTATE of a unique violation. */
const UNIQUE_VIOLATION = '23505';

/**
 * Opens a pool on PostgreSQL 13 or later; connects at the first query. A server that freezes is noticed by every
 * single call, and needs nothing to be restarted here when it is back. Needs sessions of its own: PgBouncer in
 * transaction mode knows neither prepared statements (before 1.21) nor the migrations' lock.
 */
export function openPostgres({ url, maxConnections = 10 }: PostgresOptions): SqlDatabase {
  const connection: PoolConfig = {
    connectionString: url,
    application_name: 'latchkey',
    keepAlive: true,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
  };
  const pool = new PromptPool({
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
    keys: new SqlKeyStore(sql),
    migrate: () => migrate({ ...connection, query_timeout: MIGRATION_WAIT_MS }),
    ping: () => users.ping(),
    close: () => pool.end(),
  };
}

/** On a connection of its own: it may wait for the lock longer than any query may take. */
async function migrate(connection: PoolConfig): Promise<void> {
  let lost: Error | undefined;
  const pool = new PromptPool({ ...connection, max: 1 }, (cause) => {
    lost ??= cause;
  });
  try {
    await migrateToLatest(new Kysely<never>({ dialect: new PostgresDialect({ pool }) }));
  } catch (error) {
    // After a lost connection Kysely still tries to release its lock, and throws the error of that.
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
