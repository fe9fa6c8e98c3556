import { closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { storeUnavailable } from '../../core/failure.ts';
import { answerInTime } from './answer-in-time.ts';
import { migrateToLatest } from './migrations.ts';
import type { Schema } from './schema.ts';
import type { SqlDatabase } from './sql-database.ts';
import { SqlKeyStore } from './sql-key-store.ts';
import { SqlUserDirectory } from './sql-user-directory.ts';
import { isSqliteBusy, isSqliteFault, NodeSqliteDialect } from './sqlite-dialect.ts';

export interface SqliteOptions {
  /** Made if it is not there, and its folder too, both for this user only. */
  readonly file: string;
}

/** Follows no link, beside whose target SQLite would put its log, and does not wait at a pipe. Windows has neither. */
const CREATE =
  constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** To turn WAL on the file is needed for one connection alone, and nobody is served yet. Milliseconds. */
const OPEN_WAIT_MS = 10_000;
/** SQLite waits by blocking this thread, so it waits for momentary locks only; `ImmediateDriver` waits for others. */
const SERVE_WAIT_MS = 20;
/** A start waits about a minute for another that migrates. */
const MIGRATION_ATTEMPTS = 600;
const MIGRATION_PAUSE_MS = 100;

const SQLITE_CONSTRAINT_UNIQUE = 2067;

/**
 * Opens the embedded database: one connection that writes, one that reads beside it (WAL), so that a look-up never
 * waits for a write. A commit is on the disk when it resolves (synchronous FULL). Throws STORE_UNAVAILABLE.
 */
export function openSqlite({ file }: SqliteOptions): SqlDatabase {
  const [writer, reader] = openBoth(file);
  const expectInPlace = expectingInPlace(file);
  const read = new Kysely<Schema>({ dialect: new NodeSqliteDialect(reader, expectInPlace) });
  const write = new Kysely<Schema>({ dialect: new NodeSqliteDialect(writer, expectInPlace) });
  const users = new SqlUserDirectory({ read, write, isUsernameTaken });
  return {
    users,
    keys: new SqlKeyStore({ read, write, isUsernameTaken }),
    migrate: () => migrate(writer, expectInPlace),
    ping: async () => {
      await answerInTime('users', async () => expectInPlace());
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
 * Makes a check that throws once the file was removed or replaced. SQLite would keep writing to the file it has open,
 * and changes acknowledged since then would be lost with the process.
 */
function expectingInPlace(file: string): () => void {
  const opened = statSync(file);
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.ino === opened.ino && found.dev === opened.dev) return;
    throw new Error(
      `${file} was removed or replaced while it was in use: put it back, or restart the service`,
    );
  };
}

/** The tables of the migrations themselves are looked for outside of their transaction: that may meet a lock too. */
async function migrate(writer: DatabaseSync, expectInPlace: () => void): Promise<void> {
  const db = new Kysely<never>({ dialect: new NodeSqliteDialect(writer, expectInPlace) });
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
    isSqliteFault(error) &&
    error.errcode === SQLITE_CONSTRAINT_UNIQUE &&
    error.message.includes('users.username_key')
  );
}
