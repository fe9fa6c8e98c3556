import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** Decisions that depend on rows that do not exist yet. A row lock cannot protect them, so each has a named lock. */
export type LockName = 'first-user' | 'keep-an-admin' | 'signing-keys';

/**
 * Takes a lock and holds it until the transaction ends. Later statements see what earlier holders committed:
 * PostgreSQL (READ COMMITTED) takes a new snapshot for each statement. SQLite allows one write transaction at a time.
 */
export async function acquireLock(transaction: Transaction<Schema>, name: LockName): Promise<void> {
  await transaction
    .insertInto('locks')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ name }))
    .execute();
}
