import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import { isSqliteBusy, isSqliteError } from '../sqlite-error.ts';

/** Attempts to take the write lock while another process has it. The pause between them does not block the thread. */
const BUSY_ATTEMPTS = 40;
const BUSY_PAUSE_MS = 20;

/** Cache limit for prepared statements. The queries need about twenty; migrations add more. */
const MAX_STATEMENTS = 100;

/** SQLite's message for a rollback after an error, such as a full disk, that already ended the transaction. */
const NOTHING_TO_ROLL_BACK = 'no transaction is active';

/** Kysely's SQLite dialect for `node:sqlite`. Transactions take the write lock when they begin. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  readonly #assertWritable: () => void;

  /** @param assertWritable called before each transaction. Throws if the database would lose changes. */
  constructor(database: DatabaseSync, assertWritable: () => void) {
    const prepared = new PreparedDatabase(database);
    super({ database: prepared });
    this.#database = prepared;
    this.#assertWritable = assertWritable;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#database, this.#assertWritable);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/**
 * `begin immediate` takes the write lock first. Without it, a transaction that reads and then writes fails if another
 * process wrote in between. The lock also makes migrations take turns.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #assertWritable: () => void;

  constructor(database: SqliteDatabase, assertWritable: () => void) {
    super({ database });
    this.#assertWritable = assertWritable;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#assertWritable();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'));
        return;
      } catch (error) {
        if (!isSqliteBusy(error) || attempt === BUSY_ATTEMPTS) throw error;
        await pause(BUSY_PAUSE_MS);
      }
    }
  }

  /** Ignores "no transaction is active", so that the caller gets the error that caused the rollback. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (!isSqliteError(error) || !error.message.includes(NOTHING_TO_ROLL_BACK)) throw error;
    }
  }
}

/** SQLite supports DDL in transactions. With this set, Kysely checks and runs migrations in one transaction. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Adapts `DatabaseSync` to Kysely's driver and prepares each statement once. */
class PreparedDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    const statement = new PreparedStatement(this.#database.prepare(sql));
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#database.close();
  }
}

class PreparedStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.reader = statement.columns().length > 0;
    this.#statement = statement;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...(parameters as SQLInputValue[]));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...(parameters as SQLInputValue[]));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...(parameters as SQLInputValue[]));
  }
}
