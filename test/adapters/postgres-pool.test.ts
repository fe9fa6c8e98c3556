import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PostgresPool } from '../../src/adapters/sql/postgres-pool.ts';
import { eventually } from '../support/eventually.ts';
import { FakePostgres, messages, type Script } from '../support/fake-postgres.ts';
import { PostgresServer } from '../support/postgres.ts';

const TIMEOUTS = { connectionTimeoutMillis: 500, query_timeout: 500 };

describe('the connections to PostgreSQL', () => {
  let server: PostgresServer;
  let pool: PostgresPool;

  beforeAll(async () => {
    server = await PostgresServer.start();
  });

  afterAll(() => server.stop());

  beforeEach(() => {
    pool = new PostgresPool({ connectionString: server.urlOf('postgres'), max: 1, ...TIMEOUTS });
  });

  afterEach(() => pool.end());

  test('do not end the process when one fails between two queries of its user', async () => {
    const connection = await pool.connect();
    const { rows } = await connection.query<{ pid: number }>('select pg_backend_pid() as pid', []);
    await server.with((client) => client.query('select pg_terminate_backend($1)', [rows[0]?.pid]));
    // An unhandled `error` event would fail this test.
    await eventually(() =>
      connection.query('select 1', []).then(
        () => false,
        () => true,
      ),
    );
    connection.release();
    const next = await pool.connect();
    expect((await next.query('select 1 as one', [])).rows).toEqual([{ one: 1 }]);
    next.release();
  });
});

describe('a connection to PostgreSQL', () => {
  let server: FakePostgres;
  let pool: PostgresPool;

  const open = async (script: Script) => {
    server = await FakePostgres.open(script);
    pool = new PostgresPool({ connectionString: server.url, max: 1, ...TIMEOUTS });
  };

  afterEach(async () => {
    await pool.end();
    await server.close();
  });

  test('is closed at once when its authentication failed', async () => {
    await open(() => messages.signIn);
    await expect(pool.connect()).rejects.toThrow('SASL');
    await eventually(() => server.connections === 0);
  });

  test('is not reused after the server announced that it closes', async () => {
    await open((count) =>
      count === 0 ? Buffer.concat([messages.authenticated, messages.ready]) : messages.fatal,
    );
    const connection = await pool.connect();
    await expect(connection.query('select 1', [])).rejects.toThrow('the end');
    connection.release();
    (await pool.connect()).release();
    expect(server.accepted).toBe(2);
  });

  test('is not reused after its user discarded it', async () => {
    await open(() => Buffer.concat([messages.authenticated, messages.ready]));
    (await pool.connect()).release(true);
    (await pool.connect()).release();
    expect(server.accepted).toBe(2);
  });
});
