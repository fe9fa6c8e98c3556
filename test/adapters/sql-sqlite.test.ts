import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Kysely } from 'kysely';
import type { SqlDatabase } from '../../src/adapters/sql/sql-database.ts';
import { openSqlite } from '../../src/adapters/sql/sqlite.ts';
import { NodeSqliteDialect } from '../../src/adapters/sql/sqlite-dialect.ts';
import { auditTrailLaw } from '../conformance/audit-trail.ts';
import { identityDirectoryLaw } from '../conformance/identity-directory.ts';
import { keyStoreLaw } from '../conformance/key-store.ts';
import { userDirectoryLaw } from '../conformance/user-directory.ts';
import { failureOf } from '../support/failing.ts';
import { IN_TIME_MS } from '../support/in-time.ts';
import { raceToStart } from '../support/sql-race.ts';
import { aStoredKey } from '../support/stored-keys.ts';
import { aUser, userIdOf } from '../support/users.ts';

let folder: string;
let file: string;
let opened: SqlDatabase[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'));
  file = join(folder, 'data', 'latchkey.db');
  opened = [];
});

afterEach(async () => {
  for (const database of opened) await database.close();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<SqlDatabase> {
  const database = openSqlite({ file });
  opened.push(database);
  await database.migrate();
  return database;
}

userDirectoryLaw('SQLite', async () => [(await open()).users, (await open()).users]);
auditTrailLaw('SQLite', async () => [await open(), await open()]);
identityDirectoryLaw(
  'SQLite',
  async () => [await open(), await open()],
  async () => (await opened[0]?.audit.list({ kind: 'IdentityLinked' }, 100))?.events.length ?? 0,
);
keyStoreLaw('SQLite', async () => [(await open()).keys, (await open()).keys]);

describe('the SQLite database', () => {
  test('has all data again when it is reopened', async () => {
    const before = await open();
    await before.users.insert(aUser(1));
    await before.keys.insertAfter(undefined, aStoredKey('first', 1));
    await before.close();
    const after = await open();
    expect(await after.users.findById(userIdOf(1))).toEqual(aUser(1));
    expect(await after.keys.list()).toEqual([aStoredKey('first', 1)]);
  });

  test('has the users of the build before, none of whom kept a session', async () => {
    const before = await open();
    await before.users.insert(aUser(1));
    await before.close();
    const older = new DatabaseSync(file);
    older.exec('alter table users drop column kept_session_id');
    older.exec('drop index audit_events_user_id_kind');
    older.exec('drop table identities');
    older.exec("delete from kysely_migration where name >= '0006'");
    older.close();
    const after = await open();
    expect(await after.users.findById(userIdOf(1))).toEqual(aUser(1));
    const change = { endsSessions: true, keptSessionId: userIdOf(7) };
    expect(await after.users.update(userIdOf(1), change, 2)).toMatchObject({ keptSessionId: userIdOf(7) });
  });

  test.each([
    ["user_id = ? and kind = 'SignedIn'", 'audit_events_user_id_kind'],
    ["event_id >= ? and user_id = ? and kind = 'SignedIn'", 'audit_events_user_id_kind'],
    [
      "user_id = ? and kind = 'SessionEnded' and session_id = '' and event_id >= ?",
      'audit_events_user_id_kind',
    ],
    ['user_id = ?', 'audit_events_user_id'],
    ["session_id in (?, ?) and kind = 'SessionEnded'", 'audit_events_session_id'],
  ])('finds the audit events with %s by the index %s', async (condition, index) => {
    await open();
    const database = new DatabaseSync(file);
    const query = `select * from audit_events where ${condition} and event_id < ? order by event_id desc limit 9`;
    const plan = database.prepare(`explain query plan ${query}`).all() as { readonly detail: string }[];
    database.close();
    expect(plan.map(({ detail }) => detail)).toContainEqual(expect.stringContaining(`INDEX ${index} (`));
  });

  test('can be closed twice, and unused', async () => {
    const database = openSqlite({ file });
    await database.close();
    await database.close();
  });

  test('is readable by its owner only', async () => {
    await open();
    const permissions = (path: string) => statSync(path).mode & 0o777;
    expect([permissions(join(folder, 'data')), permissions(file), permissions(`${file}-wal`)]).toEqual([
      0o700, 0o600, 0o600,
    ]);
  });

  test('is migrated once by all processes that start at the same time', async () => {
    const databases = Array.from({ length: 6 }, () => openSqlite({ file }));
    opened.push(...databases);
    await Promise.all(databases.map((database) => database.migrate()));
    for (const database of databases) expect(await database.users.findById(userIdOf(1))).toBeUndefined();
  });

  test('lets all processes start on a new file at the same time, with one first user and one key', async () => {
    const outcomes = await raceToStart(file, 4);
    expect(outcomes.filter(({ first }) => first)).toHaveLength(1);
    expect(outcomes.filter(({ key }) => key)).toHaveLength(1);
    expect(outcomes.map(({ username }) => username).sort()).toEqual([
      'USERNAME_TAKEN',
      'USERNAME_TAKEN',
      'USERNAME_TAKEN',
      'ok',
    ]);
  });

  test('answers reads while another process writes, and writes fail in time until it has finished', async () => {
    const database = await open();
    await database.users.insert(aUser(1));
    const other = new DatabaseSync(file);
    try {
      other.exec('begin immediate');
      const began = performance.now();
      const answered: string[] = [];
      const refused = failureOf(database.users.update(userIdOf(1), { roles: ['a'] }, 2)).finally(() =>
        answered.push('write'),
      );
      expect(await database.users.findById(userIdOf(1))).toEqual(aUser(1));
      expect(answered).toEqual([]);
      expect((await refused).metadata).toEqual({ store: 'users' });
      expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
      other.exec('commit');
    } finally {
      other.close();
    }
    expect(await database.users.update(userIdOf(1), { roles: ['a'] }, 2)).toMatchObject({ roles: ['a'] });
  });

  test('waits while another process writes briefly', async () => {
    const database = await open();
    await database.users.insert(aUser(1));
    const other = new DatabaseSync(file);
    try {
      other.exec('begin immediate');
      const waiting = database.users.delete(userIdOf(1));
      await database.users.ping();
      other.exec('commit');
      expect(await waiting).toBe(true);
    } finally {
      other.close();
    }
  });

  test('acknowledges no change while its file is missing, and reports that', async () => {
    const database = await open();
    await database.users.insert(aUser(1));
    expect(await database.users.findById(userIdOf(1))).toBeDefined();
    const elsewhere = join(folder, 'elsewhere');
    renameSync(file, elsewhere);
    expect(await failureOf(database.ping())).toMatchObject({
      cause: { message: expect.stringContaining(file) },
    });
    expect((await failureOf(database.users.insert(aUser(2)))).reason).toBe('STORE_UNAVAILABLE');
    writeFileSync(file, '');
    expect((await failureOf(database.keys.remove(['none']))).reason).toBe('STORE_UNAVAILABLE');
    renameSync(elsewhere, file);
    await database.ping();
    await database.users.insert(aUser(2));
    expect(await database.users.findById(userIdOf(2))).toEqual(aUser(2));
  });

  test('reports a full disk, not the rollback that followed', async () => {
    const small = new DatabaseSync(':memory:');
    small.exec('create table notes (text text); pragma max_page_count = 8');
    const db = new Kysely<{ notes: { text: string } }>({
      dialect: new NodeSqliteDialect(small, () => undefined),
    });
    const write = (text: string) =>
      db.transaction().execute((transaction) => transaction.insertInto('notes').values({ text }).execute());
    await expect(write('x'.repeat(100_000))).rejects.toThrow('full');
    await write('a short one');
    await db.destroy();
  });

  test('is STORE_UNAVAILABLE if the file is not a database or cannot be opened', async () => {
    const notADatabase = join(folder, 'text');
    writeFileSync(notADatabase, 'this has never been a database, however long one looks at it');
    const [pipe, link] = [join(folder, 'pipe'), join(folder, 'link')];
    execFileSync('mkfifo', [pipe]);
    symlinkSync(file, link);
    for (const path of [notADatabase, folder, join(notADatabase, 'below'), pipe, link]) {
      expect((await failureOf(() => openSqlite({ file: path }))).reason).toBe('STORE_UNAVAILABLE');
    }
  });
});
