import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openPostgres } from '../../src/adapters/sql/postgres.ts';
import type { SqlDatabase } from '../../src/adapters/sql/sql-database.ts';
import { auditTrailLaw } from '../conformance/audit-trail.ts';
import { identityDirectoryLaw } from '../conformance/identity-directory.ts';
import { keyStoreLaw } from '../conformance/key-store.ts';
import { userDirectoryLaw } from '../conformance/user-directory.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf } from '../support/failing.ts';
import { IN_TIME_MS } from '../support/in-time.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { PostgresServer } from '../support/postgres.ts';
import { raceToStart } from '../support/sql-race.ts';
import { aStoredKey } from '../support/stored-keys.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { aUser, userIdOf } from '../support/users.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(async () => {
  await server.stop();
});

describe('on one database', () => {
  let url: string;
  let databases: readonly [SqlDatabase, SqlDatabase];

  beforeAll(async () => {
    url = await server.createDatabase();
    databases = [openPostgres({ url }), openPostgres({ url })];
    await Promise.all(databases.map((database) => database.migrate()));
  });

  beforeEach(() =>
    server.with((client) => client.query('truncate users, identities, signing_keys, audit_events'), url),
  );

  afterAll(async () => {
    for (const database of databases) await database.close();
  });

  userDirectoryLaw('PostgreSQL', async () => [databases[0].users, databases[1].users]);
  auditTrailLaw('PostgreSQL', async () => databases);
  identityDirectoryLaw(
    'PostgreSQL',
    async () => databases,
    async () => (await databases[0].audit.list({ kind: 'IdentityLinked' }, 100)).events.length,
  );
  keyStoreLaw('PostgreSQL', async () => [databases[0].keys, databases[1].keys]);
});

describe('the PostgreSQL database', () => {
  let database: SqlDatabase;

  beforeEach(async () => {
    database = openPostgres({ url: await server.createDatabase(), maxConnections: 4 });
    await database.migrate();
    await database.users.insert(aUser(1));
  });

  afterEach(async () => {
    server.thaw();
    await database.close();
  });

  const everyCall = (): readonly Promise<unknown>[] => [
    database.users.findById(userIdOf(1)),
    database.users.findByUsernameKey('user1'),
    database.users.list(10, undefined),
    database.users.insert(aUser(2)),
    database.users.insertFirst(aUser(3)),
    database.users.update(userIdOf(1), { roles: ['a'] }, 2, { keepAnAdmin: true }),
    database.users.delete(userIdOf(4)),
    database.users.ping(),
    database.ping(),
    database.keys.list(),
    database.keys.insertAfter(undefined, aStoredKey('first', 1)),
    database.keys.remove(['none']),
    database.audit.insert([anAuditEvent(1)]),
    database.audit.list({}, 10),
    database.audit.deleteBefore(1, 10),
    database.audit.ping(),
  ];

  test('fails every call in time while the server is frozen, and recovers without a restart', async () => {
    server.freeze();
    for (let round = 0; round < 2; round += 1) {
      const began = performance.now();
      const failures = await Promise.all(everyCall().map((call) => failureOf(call)));
      expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
      expect(new Set(failures.map(({ reason }) => reason))).toEqual(new Set(['STORE_UNAVAILABLE']));
      expect(failures.slice(0, 9).every(({ metadata }) => metadata['store'] === 'users')).toBe(true);
      expect(failures.slice(9, 12).every(({ metadata }) => metadata['store'] === 'keys')).toBe(true);
      expect(failures.slice(12).every(({ metadata }) => metadata['store'] === 'audit')).toBe(true);
    }
    server.thaw();
    expect((await database.users.findById(userIdOf(1)))?.username).toBe('User1');
  });

  test('fails while the server is gone, and answers again when it is back', async () => {
    await server.kill();
    const began = performance.now();
    expect((await failureOf(database.users.findById(userIdOf(1)))).reason).toBe('STORE_UNAVAILABLE');
    expect((await failureOf(database.ping())).reason).toBe('STORE_UNAVAILABLE');
    expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
    await server.resume();
    await eventually(() =>
      database.ping().then(
        () => true,
        () => false,
      ),
    );
    expect(await database.users.findById(userIdOf(1))).toEqual(aUser(1));
  });

  test('cancels a change that waits for another transaction, in time and without effect', async () => {
    const url = await server.createDatabase();
    const other = openPostgres({ url });
    try {
      await other.migrate();
      await other.users.insert(aUser(1));
      await server.with(async (client) => {
        await client.query('begin');
        await client.query('select * from users for update');
        const began = performance.now();
        const late = await failureOf(other.users.update(userIdOf(1), { roles: ['late'] }, 2));
        expect(late.reason).toBe('STORE_UNAVAILABLE');
        expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
        expect(await other.users.findById(userIdOf(1))).toEqual(aUser(1));
        await client.query('commit');
      }, url);
      expect(await other.users.update(userIdOf(1), { roles: [] }, 2)).toEqual(
        aUser(1, { updatedAt: 2, version: 2 }),
      );
    } finally {
      await other.close();
    }
  });

  test('stores no change after its caller got a timeout, however slow the line is', async () => {
    const url = await server.createDatabase();
    // Five round trips of 320 ms: the caller gets its error before the last one, which would be the commit.
    const proxy = await TcpProxy.open(server.port, { delayMs: 160 });
    const slow = openPostgres({ url: url.replace(`:${server.port}`, `:${proxy.port}`) });
    const near = openPostgres({ url });
    try {
      await near.migrate();
      await near.users.insert(aUser(1));
      const change = slow.users.update(userIdOf(1), { roles: ['late'] }, 2, { keepAnAdmin: true });
      expect((await failureOf(change)).reason).toBe('STORE_UNAVAILABLE');
      const key = slow.keys.insertAfter(undefined, aStoredKey('late', 1));
      expect((await failureOf(key)).reason).toBe('STORE_UNAVAILABLE');
      // Until the transactions have ended: a transaction in progress would be visible.
      const open = "select 1 from pg_stat_activity where datname = current_database() and state <> 'idle'";
      await server.with(async (client) => {
        await eventually(async () => (await client.query(open)).rowCount === 1);
      }, url);
      expect(await near.users.findById(userIdOf(1))).toEqual(aUser(1));
      expect(await near.keys.list()).toEqual([]);
    } finally {
      await slow.close();
      await near.close();
      await proxy.close();
    }
  });

  test('can be closed while the server is frozen, twice, and unused', async () => {
    server.freeze();
    const began = performance.now();
    await database.close();
    await database.close();
    expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
    expect(process.getActiveResourcesInfo()).not.toContain('TCPSocketWrap');
    const unused = openPostgres({ url: server.urlOf('postgres') });
    await unused.close();
  });

  test('is migrated once by all processes that start at the same time', async () => {
    const url = await server.createDatabase();
    const databases = Array.from({ length: 6 }, () => openPostgres({ url }));
    await Promise.all(databases.map((database) => database.migrate()));
    for (const database of databases) expect(await database.users.findById(userIdOf(1))).toBeUndefined();
    for (const database of databases) await database.close();
  });

  test('lets all processes start on a new database at the same time, with one first user and one key', async () => {
    const outcomes = await raceToStart(await server.createDatabase(), 4);
    expect(outcomes.filter(({ first }) => first)).toHaveLength(1);
    expect(outcomes.filter(({ key }) => key)).toHaveLength(1);
    expect(outcomes.filter(({ username }) => username === 'ok')).toHaveLength(1);
  });

  test('reports why the connection was lost during a migration', async () => {
    const url = await server.createDatabase();
    const proxy = await TcpProxy.open(server.port);
    const cut = openPostgres({ url: url.replace(`:${server.port}`, `:${proxy.port}`) });
    proxy.resetInReplyTo('create table "users"');
    const { cause } = await failureOf(cut.migrate());
    expect(cause).toMatchObject({ message: expect.stringContaining('ECONNRESET') });
    await cut.migrate();
    await cut.close();
    await proxy.close();
  });

  test('that does not listen cannot be migrated: STORE_UNAVAILABLE', async () => {
    const nowhere = openPostgres({ url: 'postgres://nobody@127.0.0.1:1/nowhere' });
    expect((await failureOf(nowhere.migrate())).reason).toBe('STORE_UNAVAILABLE');
    expect((await failureOf(nowhere.ping())).reason).toBe('STORE_UNAVAILABLE');
    await nowhere.close();
  });
});
