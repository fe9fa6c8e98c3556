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

/** Another process is writing: asked again after `BUSY_PAUSE_MS`, at most so often, so that nobody else waits meanwhile. */
const BUSY_ATTEMPTS = 40;
const BUSY_PAUSE_MS = 20;

/** Prepared statements that are kept. Ours are about twenty; what is beyond that is of migrations. */
const MAX_STATEMENTS = 100;

/** SQLite's error for a rollback after a fault, such as a full disk, that has already ended the transaction. */
const NOTHING_TO_ROLL_BACK = 'no transaction is active';

/** The low byte of SQLite's extended result codes, https://sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;

/** Kysely's SQLite dialect on Node's own SQLite, with transactions that write from the start. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  readonly #expectWritable: () => void;

  /** @param expectWritable called before each transaction; throws if the database cannot keep changes now. */
  constructor(database: DatabaseSync, expectWritable: () => void) {
    const prepared = new PreparedDatabase(database);
    super({ database: prepared });
    this.#database = prepared;
    this.#expectWritable = expectWritable;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#database, this.#expectWritable);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/** What `node:sqlite` throws when SQLite reports a fault. */
export interface SqliteFault {
  /** An extended result code. */
  readonly errcode: number;
  readonly message: string;
}

export function isSqliteFault(error: unknown): error is SqliteFault {
  return typeof error === 'object' && error !== null && 'errcode' in error;
}

/** Whether another connection has the lock that was needed. */
export function isSqliteBusy(error: unknown): boolean {
  return isSqliteFault(error) && (error.errcode & 0xff) === SQLITE_BUSY;
}

/**
 * `begin immediate` takes the write lock first. A transaction that read before it writes would otherwise fail half
 * way when another process wrote in between. It also makes migrations take turns.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #expectWritable: () => void;

  constructor(database: SqliteDatabase, expectWritable: () => void) {
    super({ database });
    this.#expectWritable = expectWritable;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#expectWritable();
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

  /** Ignores that there is no transaction any more, so that the error that led to the rollback is thrown. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (!isSqliteFault(error) || !error.message.includes(NOTHING_TO_ROLL_BACK)) throw error;
    }
  }
}

/** SQLite's DDL is transactional. With that, Kysely reads what is to be migrated inside the transaction that does it. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** `DatabaseSync` in the shape that Kysely's driver knows, with every statement prepared once. */
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
