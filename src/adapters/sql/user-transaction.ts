import type { Transaction } from 'kysely';
import { usernameTaken } from '../../core/user/user-failures.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { Schema, SqlHandle } from './schema.ts';
import { SQL_DEADLINE_MS } from './sql-database.ts';

/**
 * Runs a transaction on users or their identities. It is rolled back if it takes longer than the deadline.
 *
 * Fails with USERNAME_TAKEN and STORE_UNAVAILABLE, and with what the work throws.
 */
export function userTransaction<T>(
  sql: SqlHandle,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return answerInTime('users', SQL_DEADLINE_MS, async (assertInTime) => {
    try {
      return await sql.write.transaction().execute(async (transaction) => {
        const result = await work(transaction);
        assertInTime();
        return result;
      });
    } catch (error) {
      throw sql.isUsernameTaken(error) ? usernameTaken() : error;
    }
  });
}
