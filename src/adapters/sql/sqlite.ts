import { closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { storeUnavailable } from '../../core/failure.ts';
import { answerInTime } from '../answer-in-time.ts';
import { isSqliteBusy, isSqliteError } from '../sqlite-error.ts';
import { migrateToLatest } from './migrations.ts';
import type { Schema } from './schema.ts';
import { SqlAuditTrail } from './sql-audit-trail.ts';
import { SQL_DEADLINE_MS, type SqlDatabase } from './sql-database.ts';
import { SqlIdentityDirectory } from './sql-identity-directory.ts';
import { SqlKeyStore } from './sql-key-store.ts';
import { SqlUserDirectory } from './sql-user-directory.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';

export interface SqliteOptions {
  /** Created if missing, with its folder. Only this user gets access. */
  readonly file: string;
}

/** Refuses links (SQLite would put its WAL next to the target); does not block on a pipe. Windows has neither flag. */
const CREATE =
  constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Turning on WAL needs exclusive access. Blocking is safe, because no call is served yet. Milliseconds. */
const OPEN_WAIT_MS = 10_000;
/** SQLite blocks the thread while it waits, so the wait is short. `ImmediateDriver` retries. Milliseconds. */
const SERVE_WAIT_MS = 20;
/** A starting process waits about a minute for another process to finish migrating. */
const MIGRATION_ATTEMPTS = 600;
const MIGRATION_PAUSE_MS = 100;

const SQLITE_CONSTRAINT_UNIQUE = 2067;

/**
 * Opens the embedded database with one connection for writes and one for reads (WAL). A lookup never waits for a
 * write. A commit is on disk when its promise resolves (synchronous FULL). Throws STORE_UNAVAILABLE.
 */
export function openSqlite({ file }: SqliteOptions): SqlDatabase {
  const [writer, reader] = openBoth(file);
  const assertInPlace = inPlaceAssertion(file);
  const read = new Kysely<Schema>({ dialect: new NodeSqliteDialect(reader, assertInPlace) });
  const write = new Kysely<Schema>({ dialect: new NodeSqliteDialect(writer, assertInPlace) });
  const sql = { read, write, isUsernameTaken };
  const users = new SqlUserDirectory(sql);
  return {
    users,
    identities: new SqlIdentityDirectory(sql),
    keys: new SqlKeyStore(sql),
    audit: new SqlAuditTrail(sql),
    migrate: () => migrate(writer, assertInPlace),
    ping: async () => {
      await answerInTime('users', SQL_DEADLINE_MS, async () => assertInPlace());
      await users.ping();
    },
    close: async () => {
      await Promise.all([read.destroy(), write.destroy()]);
      for (const database of [reader, writer]) if (database.isOpen) database.close();
    },
  };
}

function openBoth(file: string): readonly [DatabaseSync, DatabaseSync] {
  const opened: DatabaseSync[] = [];
  const open = (readOnly: boolean) => {
    const database = new DatabaseSync(file, { readOnly, timeout: OPEN_WAIT_MS });
    opened.push(database);
    return database;
  };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, CREATE, 0o600));
    const writer = open(false);
    writer.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
    const reader = open(true);
    for (const database of opened) database.exec(`pragma busy_timeout = ${SERVE_WAIT_MS}`);
    return [writer, reader];
  } catch (error) {
    for (const database of opened) database.close();
    throw storeUnavailable('users', error);
  }
}

/**
 * Returns a check that throws if the file was removed or replaced. SQLite would keep writing to the open file, and
 * those changes would be lost when the process ends.
 */
function inPlaceAssertion(file: string): () => void {
  const opened = statSync(file);
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.ino === opened.ino && found.dev === opened.dev) return;
    throw new Error(`${file} was removed or replaced while in use: restore it or restart the service`);
  };
}

/** Retries while the database is locked: Kysely looks for its migration tables outside the transaction. */
async function migrate(writer: DatabaseSync, assertInPlace: () => void): Promise<void> {
  const db = new Kysely<never>({ dialect: new NodeSqliteDialect(writer, assertInPlace) });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await migrateToLatest(db);
    } catch (error) {
      if (!isSqliteBusy(error) || attempt === MIGRATION_ATTEMPTS) throw storeUnavailable('users', error);
      await pause(MIGRATION_PAUSE_MS);
    }
  }
}

function isUsernameTaken(error: unknown): boolean {
  return (
    isSqliteError(error) &&
    error.errcode === SQLITE_CONSTRAINT_UNIQUE &&
    error.message.includes('users.username_key')
  );
}
