import type { Transaction } from 'kysely';
import type { AuditEvent } from '../../core/audit/audit-event.ts';
import { NO_PASSWORD } from '../../core/password/password-scheme.ts';
import {
  type Identity,
  type IdentityDirectory,
  type IdentityKey,
  identityTaken,
  type LinkOutcome,
  lastSignInMethod,
  MAX_LISTED_IDENTITIES,
  type UnlinkConditions,
} from '../../core/user/identity-directory.ts';
import type { User } from '../../core/user/user.ts';
import { userNotFound } from '../../core/user/user-failures.ts';
import { answerInTime } from '../answer-in-time.ts';
import { insertAuditEvents } from './audit-row.ts';
import type { IdentityRow, Schema, SqlHandle } from './schema.ts';
import { SQL_DEADLINE_MS } from './sql-database.ts';
import { rowOf } from './user-row.ts';
import { userTransaction } from './user-transaction.ts';

/** Stores identities in SQL. */
export class SqlIdentityDirectory implements IdentityDirectory {
  readonly #sql: SqlHandle;

  constructor(sql: SqlHandle) {
    this.#sql = sql;
  }

  find({ provider, subject }: IdentityKey): Promise<Identity | undefined> {
    return answerInTime('users', SQL_DEADLINE_MS, async () => {
      const row = await this.#sql.read
        .selectFrom('identities')
        .selectAll()
        .where('provider', '=', provider)
        .where('subject', '=', subject)
        .executeTakeFirst();
      return row && identityOf(row);
    });
  }

  listOf(userId: string): Promise<readonly Identity[]> {
    return answerInTime('users', SQL_DEADLINE_MS, async () => {
      const rows = await this.#sql.read
        .selectFrom('identities')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('linked_at')
        .orderBy('provider')
        .orderBy('subject')
        .limit(MAX_LISTED_IDENTITIES)
        .execute();
      return rows.map(identityOf);
    });
  }

  link(identity: Identity, audit: AuditEvent): Promise<LinkOutcome> {
    return userTransaction(this.#sql, async (transaction) => {
      if ((await lockUser(transaction, identity.userId)) === undefined) throw userNotFound();
      const inserted = await transaction
        .insertInto('identities')
        .values(identityRow(identity))
        .onConflict((conflict) => conflict.columns(['provider', 'subject']).doNothing())
        .returningAll()
        .executeTakeFirst();
      if (inserted !== undefined) {
        await insertAuditEvents(transaction, [audit]);
        return { identity: identityOf(inserted), isNew: true };
      }
      const existing = await transaction
        .selectFrom('identities')
        .selectAll()
        .where('provider', '=', identity.provider)
        .where('subject', '=', identity.subject)
        .executeTakeFirstOrThrow();
      if (existing.user_id !== identity.userId) throw identityTaken();
      return { identity: identityOf(existing), isNew: false };
    });
  }

  async insertUser(user: User, identity: Identity, audit: readonly AuditEvent[]): Promise<void> {
    await userTransaction(this.#sql, async (transaction) => {
      await transaction.insertInto('users').values(rowOf(user)).execute();
      await transaction.insertInto('identities').values(identityRow(identity)).execute();
      await insertAuditEvents(transaction, audit);
    });
  }

  async recordSignIn({ provider, subject }: IdentityKey, at: number, displayName: string): Promise<void> {
    await userTransaction(this.#sql, (transaction) =>
      transaction
        .updateTable('identities')
        .set({ last_used_at: at, ...(displayName !== '' && { display_name: displayName }) })
        .where('provider', '=', provider)
        .where('subject', '=', subject)
        .execute(),
    );
  }

  unlink(
    userId: string,
    { provider, subject }: IdentityKey,
    { keepOne, audit }: UnlinkConditions,
  ): Promise<boolean> {
    return userTransaction(this.#sql, async (transaction) => {
      const user = await lockUser(transaction, userId);
      const deleted = await transaction
        .deleteFrom('identities')
        .where('user_id', '=', userId)
        .where('provider', '=', provider)
        .where('subject', '=', subject)
        .returning('subject')
        .executeTakeFirst();
      if (deleted === undefined) return false;
      if (keepOne && user?.password_hash === NO_PASSWORD && !(await hasIdentity(transaction, userId))) {
        throw lastSignInMethod();
      }
      await insertAuditEvents(transaction, [audit]);
      return true;
    });
  }
}

/** Locks the user's row until the transaction ends, so that changes of one user's identities take turns. */
function lockUser(transaction: Transaction<Schema>, userId: string) {
  return transaction
    .updateTable('users')
    .set((users) => ({ version: users.ref('version') }))
    .where('user_id', '=', userId)
    .returning('password_hash')
    .executeTakeFirst();
}

async function hasIdentity(transaction: Transaction<Schema>, userId: string): Promise<boolean> {
  const row = await transaction
    .selectFrom('identities')
    .select('subject')
    .where('user_id', '=', userId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function identityOf(row: IdentityRow): Identity {
  return {
    provider: row.provider,
    subject: row.subject,
    userId: row.user_id,
    displayName: row.display_name,
    linkedAt: row.linked_at,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}

function identityRow({
  provider,
  subject,
  userId,
  displayName,
  linkedAt,
  lastUsedAt,
}: Identity): IdentityRow {
  return {
    provider,
    subject,
    user_id: userId,
    display_name: displayName,
    linked_at: linkedAt,
    last_used_at: lastUsedAt ?? null,
  };
}
