import type { Transaction } from 'kysely';
import { byNewestFirst } from '../../core/keys/key-lifecycle.ts';
import type { KeyStore } from '../../core/keys/key-store.ts';
import type { PublicJwk, SigningAlgorithm, StoredSigningKey } from '../../core/keys/signing-key.ts';
import { answerInTime } from '../answer-in-time.ts';
import { acquireLock } from './locks.ts';
import type { Schema, SigningKeyRow, SqlHandle } from './schema.ts';
import { SQL_DEADLINE_MS } from './sql-database.ts';

/** Stores signing keys in SQL. Sorts them here, because the database would sort by its collation. */
export class SqlKeyStore implements KeyStore {
  readonly #sql: SqlHandle;

  constructor(sql: SqlHandle) {
    this.#sql = sql;
  }

  list(): Promise<readonly StoredSigningKey[]> {
    return answerInTime('keys', SQL_DEADLINE_MS, async () => {
      const rows = await this.#sql.read.selectFrom('signing_keys').selectAll().execute();
      return rows.map(keyOf).sort(byNewestFirst);
    });
  }

  insertAfter(newest: string | undefined, key: StoredSigningKey): Promise<boolean> {
    return this.#write(async (transaction) => {
      await acquireLock(transaction, 'signing-keys');
      const stored = await transaction.selectFrom('signing_keys').select(['key_id', 'signs_from']).execute();
      const [newestStored] = stored
        .map((row) => ({ keyId: row.key_id, signsFrom: row.signs_from }))
        .sort(byNewestFirst);
      if (newestStored?.keyId !== newest) return false;
      await transaction.insertInto('signing_keys').values(rowOf(key)).execute();
      return true;
    });
  }

  remove(keyIds: readonly string[]): Promise<void> {
    return this.#write(async (transaction) => {
      for (const keyId of keyIds) {
        await transaction.deleteFrom('signing_keys').where('key_id', '=', keyId).execute();
      }
    });
  }

  #write<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return answerInTime('keys', SQL_DEADLINE_MS, (assertInTime) =>
      this.#sql.write.transaction().execute(async (transaction) => {
        const result = await work(transaction);
        assertInTime();
        return result;
      }),
    );
  }
}

function keyOf(row: SigningKeyRow): StoredSigningKey {
  return {
    keyId: row.key_id,
    algorithm: row.algorithm as SigningAlgorithm,
    publicJwk: JSON.parse(row.public_jwk) as PublicJwk,
    sealedPrivateJwk: row.sealed_private_jwk,
    createdAt: row.created_at,
    signsFrom: row.signs_from,
  };
}

function rowOf(key: StoredSigningKey): SigningKeyRow {
  return {
    key_id: key.keyId,
    algorithm: key.algorithm,
    public_jwk: JSON.stringify(key.publicJwk),
    sealed_private_jwk: key.sealedPrivateJwk,
    created_at: key.createdAt,
    signs_from: key.signsFrom,
  };
}
