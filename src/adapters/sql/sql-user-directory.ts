import type { CompiledQuery, Transaction } from 'kysely';
import type { AuditEvent } from '../../core/audit/audit-event.ts';
import type { User } from '../../core/user/user.ts';
import type {
  ChangeConditions,
  UserChange,
  UserDirectory,
  UserPage,
} from '../../core/user/user-directory.ts';
import { lastAdmin, userChanged, userNotFound } from '../../core/user/user-failures.ts';
import { answerInTime } from '../answer-in-time.ts';
import { insertAuditEvents, removeAuditEvent } from './audit-row.ts';
import { acquireLock } from './locks.ts';
import type { Schema, SqlHandle, UserRow } from './schema.ts';
import { SQL_DEADLINE_MS } from './sql-database.ts';
import { columnsOf, rowOf, userOf } from './user-row.ts';
import { userTransaction } from './user-transaction.ts';

/** Stores users in SQL. Sign-in and refresh use two lookups, which are compiled once. */
export class SqlUserDirectory implements UserDirectory {
  readonly #sql: SqlHandle;
  readonly #byId: CompiledQuery<UserRow>;
  readonly #byUsernameKey: CompiledQuery<UserRow>;

  constructor(sql: SqlHandle) {
    this.#sql = sql;
    const users = sql.read.selectFrom('users').selectAll();
    this.#byId = users.where('user_id', '=', '').compile();
    this.#byUsernameKey = users.where('username_key', '=', '').compile();
  }

  insert(user: User, audit?: AuditEvent): Promise<void> {
    return userTransaction(this.#sql, async (transaction) => {
      await transaction.insertInto('users').values(rowOf(user)).execute();
      await storeEvent(transaction, audit);
    });
  }

  insertFirst(user: User, audit?: AuditEvent): Promise<boolean> {
    return userTransaction(this.#sql, async (transaction) => {
      await acquireLock(transaction, 'first-user');
      const anyUser = await transaction.selectFrom('users').select('user_id').limit(1).executeTakeFirst();
      if (anyUser !== undefined) return false;
      await transaction.insertInto('users').values(rowOf(user)).execute();
      await storeEvent(transaction, audit);
      return true;
    });
  }

  findById(userId: string): Promise<User | undefined> {
    return this.#find(this.#byId, userId);
  }

  findByUsernameKey(usernameKey: string): Promise<User | undefined> {
    return this.#find(this.#byUsernameKey, usernameKey);
  }

  list(limit: number, after: string | undefined): Promise<UserPage> {
    return answerInTime('users', SQL_DEADLINE_MS, async () => {
      const rows = await this.#sql.read
        .selectFrom('users')
        .selectAll()
        .where('user_id', '>', after ?? '')
        .orderBy('user_id')
        .limit(limit + 1)
        .execute();
      const users = rows.slice(0, limit).map(userOf);
      return { users, next: rows.length > limit ? users.at(-1)?.userId : undefined };
    });
  }

  update(
    userId: string,
    change: UserChange,
    now: number,
    { ifVersion, keepAnAdmin = false, audit }: ChangeConditions = {},
  ): Promise<User> {
    return userTransaction(this.#sql, async (transaction) => {
      const mayLoseAdmin = keepAnAdmin && (await isLastAdmin(transaction, userId));
      const row = await transaction
        .updateTable('users')
        .set(columnsOf(change))
        .set((users) => ({
          updated_at: now,
          version: users('version', '+', 1),
          security_version: users('security_version', '+', change.endsSessions === true ? 1 : 0),
        }))
        .where('user_id', '=', userId)
        .$if(ifVersion !== undefined, (query) => query.where('version', '=', ifVersion ?? 0))
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw await whyNotChanged(transaction, userId);
      if (mayLoseAdmin && !isEnabledAdmin(row)) throw lastAdmin();
      await storeEvent(transaction, audit);
      return userOf(row);
    });
  }

  delete(userId: string, { ifVersion, audit }: ChangeConditions = {}): Promise<boolean> {
    return userTransaction(this.#sql, async (transaction) => {
      // Before the deletion, so that the event gets the user's name.
      await storeEvent(transaction, audit);
      const deleted = await transaction
        .deleteFrom('users')
        .where('user_id', '=', userId)
        .$if(ifVersion !== undefined, (query) => query.where('version', '=', ifVersion ?? 0))
        .returning('user_id')
        .executeTakeFirst();
      if (deleted !== undefined) return true;
      const version = await versionOf(transaction, userId);
      if (version !== undefined) throw userChanged(version);
      // Another call deleted the user and stored its own event.
      if (audit !== undefined) await removeAuditEvent(transaction, audit.eventId);
      return false;
    });
  }

  async ping(): Promise<void> {
    await this.findById('');
  }

  #find(query: CompiledQuery<UserRow>, key: string): Promise<User | undefined> {
    // No stored text contains these. PostgreSQL rejects NUL; a lone surrogate would be sent as another character.
    if (key.includes('\0') || !key.isWellFormed()) return Promise.resolve(undefined);
    return answerInTime('users', SQL_DEADLINE_MS, async () => {
      const { rows } = await this.#sql.read.executeQuery<UserRow>({ ...query, parameters: [key] });
      const [row] = rows;
      return row === undefined ? undefined : userOf(row);
    });
  }
}

async function storeEvent(transaction: Transaction<Schema>, audit: AuditEvent | undefined): Promise<void> {
  if (audit !== undefined) await insertAuditEvents(transaction, [audit]);
}

/** True if the user is the only enabled admin. The lock prevents two admins from removing each other concurrently. */
async function isLastAdmin(transaction: Transaction<Schema>, userId: string): Promise<boolean> {
  await acquireLock(transaction, 'keep-an-admin');
  const admins = await transaction
    .selectFrom('users')
    .select('user_id')
    .where('is_admin', '=', 1)
    .where('disabled_at', 'is', null)
    .limit(2)
    .execute();
  return admins.length === 1 && admins[0]?.user_id === userId;
}

function isEnabledAdmin(row: UserRow): boolean {
  return row.is_admin === 1 && row.disabled_at === null;
}

async function versionOf(transaction: Transaction<Schema>, userId: string): Promise<number | undefined> {
  const row = await transaction
    .selectFrom('users')
    .select('version')
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row?.version;
}

async function whyNotChanged(transaction: Transaction<Schema>, userId: string) {
  const version = await versionOf(transaction, userId);
  return version === undefined ? userNotFound() : userChanged(version);
}
