import { beforeEach, describe, expect, test } from '@jest/globals';
import type { SqlDatabase } from '../../src/adapters/sql/sql-database.ts';
import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import type { AuditFilter } from '../../src/core/audit/audit-trail.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { anAuditEvent, auditId } from '../support/memory-audit.ts';
import { aUser, userIdOf } from '../support/users.ts';

const T0 = Date.UTC(2026, 0, 1);
const ALL = 1_000;

/** The law of `AuditTrail`. @param open answers one empty database twice, as two processes would open it. */
export function auditTrailLaw(name: string, open: () => Promise<readonly [SqlDatabase, SqlDatabase]>): void {
  describe(`the audit trail (${name})`, () => {
    let database: SqlDatabase;
    let elsewhere: SqlDatabase;

    beforeEach(async () => {
      [database, elsewhere] = await open();
    });

    const listed = async (filter: AuditFilter = {}, limit = ALL, after?: string) =>
      (await elsewhere.audit.list(filter, limit, after)).events;
    const idsOf = async (filter: AuditFilter = {}) => (await listed(filter)).map(({ eventId }) => eventId);

    test('lists what was inserted, to the letter, with the names of that time', async () => {
      await database.users.insert(aUser(1, { username: 'Ada' }));
      await database.users.insert(aUser(2, { username: 'root' }));
      const event = anAuditEvent(1, {
        userId: userIdOf(1),
        actor: { kind: 'caller', userId: userIdOf(2), sessionId: auditId(7), clientId: 'console' },
        details: { change: 'DISABLED', note: '"quoted" \u00e4' },
      });
      await database.audit.insert([event]);
      await database.users.delete(userIdOf(1));
      const actor = { ...event.actor, username: 'root' };
      expect(await listed()).toEqual([{ ...event, username: 'Ada', actor }]);
    });

    test('has an event once, however often and from wherever it is inserted', async () => {
      const events = Array.from({ length: 130 }, (_, n) => anAuditEvent(n));
      // Repeated until it succeeds, as the mover does: on a busy machine an insert that waits for others can be late.
      const insert = ({ audit }: SqlDatabase, some: readonly AuditEvent[]) =>
        eventually(async () => (await outcomeOf(audit.insert(some))) === 'ok', 20_000);
      await Promise.all([
        ...[database, elsewhere, database].map((one) => insert(one, events)),
        ...events.slice(0, 3).map((event) => insert(elsewhere, [event, event])),
      ]);
      expect((await idsOf()).sort()).toEqual(events.map(({ eventId }) => eventId).sort());
    });

    test('keeps the highest count of an event, in whatever order the counts come', async () => {
      const counted = (count: number) => anAuditEvent(1, { count, lastAt: T0 + count });
      await database.audit.insert([counted(2), counted(5), counted(3)]);
      await elsewhere.audit.insert([counted(4)]);
      expect(await listed()).toMatchObject([{ count: 5, at: T0, lastAt: T0 + 5 }]);
      await elsewhere.audit.insert([counted(9)]);
      await database.audit.insert([counted(9)]);
      expect(await listed()).toMatchObject([{ count: 9, lastAt: T0 + 9 }]);
    });

    test('inserts all events or none, and takes every text', async () => {
      await database.audit.insert([anAuditEvent(1, { clientId: 'a\0b', reason: '\ud800' })]);
      expect(await listed()).toMatchObject([{ clientId: 'a\ufffdb', reason: '\ufffd' }]);
      const broken = anAuditEvent(3, { at: Number.NaN });
      expect((await failureOf(database.audit.insert([anAuditEvent(2), broken]))).metadata).toEqual({
        store: 'audit',
      });
      expect(await listed()).toHaveLength(1);
    });

    test('lists newest first, page by page, and what comes meanwhile disturbs no page', async () => {
      const events = Array.from({ length: 7 }, (_, n) => anAuditEvent(n, { at: T0 + n * 1_000 }));
      await database.audit.insert(events);
      const expected = events.map(({ eventId }) => eventId).reverse();
      const first = await elsewhere.audit.list({}, 3);
      expect(first.next).toBe(expected[2]);
      await database.audit.insert([anAuditEvent(99, { at: T0 + 60_000 })]);
      const second = await elsewhere.audit.list({}, 3, first.next);
      const third = await elsewhere.audit.list({}, 3, second.next);
      const found = [first, second, third].flatMap(({ events: page }) => page);
      expect(found.map(({ eventId }) => eventId)).toEqual(expected);
      expect(third.next).toBeUndefined();
    });

    test('filters by user, session, kind, address and time, and by all of them at once', async () => {
      const other = { userId: auditId(5), ipAddress: '2001:db8::1', kind: 'SignInFailed' };
      const events = [
        anAuditEvent(1, { at: T0 }),
        anAuditEvent(2, { at: T0 + 1, ...other }),
        anAuditEvent(3, { at: T0 + 2, ...other, userId: '' }),
        anAuditEvent(4, { at: T0 + 3 }),
      ];
      await database.audit.insert(events);
      const [one = '', two = '', three = '', four = ''] = events.map(({ eventId }) => eventId);
      expect(await idsOf({ userId: auditId(5) })).toEqual([two]);
      expect(await idsOf({ sessionId: auditId(4) })).toEqual([four]);
      expect(await idsOf({ kind: 'SignInFailed' })).toEqual([three, two]);
      expect(await idsOf({ ipAddress: '2001:db8::1' })).toEqual([three, two]);
      expect(await idsOf({ from: T0 + 2 })).toEqual([four, three]);
      expect(await idsOf({ until: T0 + 1 })).toEqual([one]);
      expect(await idsOf({ from: T0 + 1, until: T0 + 2, ...other })).toEqual([two]);
      expect(await idsOf({ userId: auditId(6) })).toEqual([]);
    });

    test('filters by several sessions, by no session, and by user and kind', async () => {
      const [ada, other] = [auditId(5), auditId(6)];
      const events = [
        anAuditEvent(1, { userId: ada }),
        anAuditEvent(2, { userId: ada, sessionId: '' }),
        anAuditEvent(3, { userId: other, sessionId: '' }),
        anAuditEvent(4, { userId: ada, kind: 'SignedIn' }),
        anAuditEvent(5, { userId: other }),
      ];
      await database.audit.insert(events);
      const [one = '', two = '', _three, four = '', five = ''] = events.map(({ eventId }) => eventId);
      const sessionIds = [auditId(1), auditId(4), auditId(5), auditId(9)];
      expect(await idsOf({ sessionIds })).toEqual([five, four, one]);
      expect(await idsOf({ sessionIds, kind: 'SessionEnded' })).toEqual([five, one]);
      expect(await idsOf({ sessionIds: [] })).toEqual([]);
      expect(await idsOf({ userId: ada, sessionId: '', kind: 'SessionEnded' })).toEqual([two]);
      expect(await idsOf({ userId: ada, kind: 'SessionEnded' })).toEqual([two, one]);
    });

    test('deletes the oldest events before a time, so many at once and no more', async () => {
      await database.audit.insert(Array.from({ length: 10 }, (_, n) => anAuditEvent(n, { at: T0 + n })));
      expect(await elsewhere.audit.deleteBefore(T0 + 5, 3)).toBe(3);
      expect((await listed()).map(({ at }) => at - T0)).toEqual([9, 8, 7, 6, 5, 4, 3]);
      expect(await elsewhere.audit.deleteBefore(T0 + 5, 3)).toBe(2);
      expect(await elsewhere.audit.deleteBefore(T0 + 5, 3)).toBe(0);
      expect(await listed()).toHaveLength(5);
    });

    test('has the event of a change of a user just if the change was made', async () => {
      const audit = (n: number) => anAuditEvent(n, { kind: 'UserChanged', userId: userIdOf(1) });
      const { users } = database;
      expect(await users.insertFirst(aUser(1), audit(1))).toBe(true);
      expect(await users.insertFirst(aUser(2), audit(2))).toBe(false);
      await failureOf(users.insert(aUser(1, { userId: userIdOf(3) }), audit(3)));
      await users.insert(aUser(4), audit(4));
      await users.update(userIdOf(1), { roles: ['a'] }, T0, { audit: audit(5) });
      await failureOf(users.update(userIdOf(1), { roles: [] }, T0, { ifVersion: 1, audit: audit(6) }));
      await failureOf(users.update(userIdOf(9), { roles: [] }, T0, { audit: audit(7) }));
      await failureOf(users.delete(userIdOf(1), { ifVersion: 1, audit: audit(8) }));
      expect(await users.delete(userIdOf(1), { ifVersion: 2, audit: audit(9) })).toBe(true);
      expect(await users.delete(userIdOf(1), { audit: audit(10) })).toBe(false);
      const stored = (await listed()).map(({ eventId, username }) => [eventId, username]);
      const expected = [9, 5, 4, 1].map((n) => [audit(n).eventId, 'User1']);
      expect(stored).toEqual(expected);
    });

    test('can be asked whether it takes events', async () => {
      await expect(database.audit.ping()).resolves.toBeUndefined();
    });
  });
}
