import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What has to be decided by one transaction after the other, because it depends on rows that are not there yet. */
export const TURNS = ['first-user', 'keep-an-admin', 'signing-keys'] as const;

/**
 * Waits until no other transaction has this turn, and keeps it until this one ends. What is read afterwards is
 * what the others have left: PostgreSQL (READ COMMITTED) locks the row and reads anew with the next statement;
 * on SQLite the transaction is the only one that writes anyway.
 */
export async function takeTurn(
  transaction: Transaction<Schema>,
  name: (typeof TURNS)[number],
): Promise<void> {
  await transaction.updateTable('turns').set({ name }).where('name', '=', name).execute();
}
