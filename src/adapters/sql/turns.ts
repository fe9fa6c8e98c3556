import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What has to be decided by one transaction after the other, because it depends on rows that are not there yet. */
export type TurnName = 'first-user' | 'keep-an-admin' | 'signing-keys';

/**
 * Waits until no other transaction has this turn, and keeps it until this one ends. What is read afterwards is
 * what the others have left: PostgreSQL (READ COMMITTED) locks the row and reads anew with the next statement;
 * on SQLite the transaction is the only one that writes anyway.
 */
export async function takeTurn(transaction: Transaction<Schema>, name: TurnName): Promise<void> {
  await transaction
    .insertInto('turns')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ name }))
    .execute();
}
