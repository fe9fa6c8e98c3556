import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import type { TimelineEntry } from '../../src/core/session/session-timeline.ts';
import type { User } from '../../src/core/user/user.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';

let clock: ManualClock;
let world: SessionWorld;
let user: User;

beforeEach(async () => {
  clock = new ManualClock();
  world = await SessionWorld.open({}, clock);
  user = world.addUser();
  world.trail.names.set(ADMIN_ACTOR.kind === 'caller' ? ADMIN_ACTOR.userId : '', 'root');
  await world.settle();
});

afterEach(() => world.close());

async function signIn(given: { readonly name?: string; readonly platform?: string } = {}) {
  clock.advance(MINUTE);
  const { session, tokens } = await world.open(user, given);
  return { ...session, refreshToken: tokens.refreshToken };
}

/** Makes the store drop every record whose deadline has passed. */
async function dropExpired(): Promise<void> {
  await world.open(world.addUser());
}

const explain = (sessionId: string, userId?: string) => world.history.explain(sessionId, userId);
const endedOf = async ({ sessionId }: { readonly sessionId: string }) => {
  const { subject } = await explain(sessionId);
  return subject.kind === 'ended' ? subject.session.end : undefined;
};
const listedEnd = async ({ userId, sessionId }: { readonly userId: string; readonly sessionId: string }) => {
  const { ended } = await world.history.list(userId, 100);
  return ended.find((session) => session.sessionId === sessionId)?.end;
};
const store = (event: AuditEvent) => world.trail.insert([event]);
const lineOf = ({ kind, at, count, reason, ipAddress, end }: TimelineEntry) =>
  [kind, at - user.createdAt, count, reason || end?.reason || '', ipAddress].join(' ').trim();

describe('the explanation of a session', () => {
  test('tells the sign-in, what happened since, the last refresh, and that it is living', async () => {
    const { sessionId, refreshToken, userId } = await signIn();
    const opened = clock.now();
    const common = { userId, sessionId, ipAddress: '192.0.2.2', clientId: 'web' };
    const at = opened + MINUTE;
    await store(
      anAuditEvent(1, { ...common, kind: 'RefreshReplayed', at, lastAt: at + 5, count: 3, reason: '' }),
    );
    await store(
      anAuditEvent(2, { ...common, kind: 'RefreshRefused', at: at + 10, reason: 'INVALID_REFRESH_TOKEN' }),
    );
    const details = { from: '192.0.2.1' };
    await store(anAuditEvent(3, { ...common, kind: 'SessionMoved', at: at + 20, reason: '', details }));
    await store(anAuditEvent(4, { ...common, kind: 'NewDevice', at: at + 30, reason: '' }));
    clock.advance(HOUR);
    await world.refresh(refreshToken);
    const { subject, entries, omitsEntries } = await explain(sessionId);
    expect(subject).toMatchObject({ kind: 'live', session: { sessionId } });
    expect(omitsEntries).toBe(false);
    const since = opened - user.createdAt;
    expect(entries.map(lineOf)).toEqual([
      `OPENED ${since} 1  192.0.2.1`,
      `REPLAYED ${since + MINUTE} 3  192.0.2.2`,
      `REFUSED ${since + MINUTE + 10} 1 INVALID_REFRESH_TOKEN 192.0.2.2`,
      `MOVED ${since + MINUTE + 20} 1  192.0.2.2`,
      `ANOMALY ${since + MINUTE + 30} 1 NEW_DEVICE 192.0.2.2`,
      `REFRESHED ${since + HOUR} 1  192.0.2.2`,
    ]);
    expect(entries[3]).toMatchObject({ previousIpAddress: '192.0.2.1' });
  });

  test('names the operator who ended it, or all sessions of its user, and not the user', async () => {
    const [first, second, third] = [await signIn(), await signIn(), await signIn()];
    const { userId } = first;
    await world.control.end(userId, first.sessionId, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
    const own = { kind: 'caller', userId, sessionId: third.sessionId, clientId: 'web' } as const;
    await world.control.end(userId, second.sessionId, 'ENDED_BY_USER', own);
    expect(await endedOf(first)).toMatchObject({
      endedBy: 'OPERATOR',
      operator: 'root',
      evidence: 'RECORDED',
    });
    expect(await endedOf(second)).toMatchObject({ endedBy: 'USER', operator: '' });
    clock.advance(MINUTE);
    await world.ender.endUser(userId, 2, 'PASSWORD_CHANGED', ADMIN_ACTOR);
    const end = { reason: 'PASSWORD_CHANGED', endedAt: clock.now(), endedBy: 'OPERATOR', operator: 'root' };
    expect(await endedOf(third)).toMatchObject(end);
    expect(await listedEnd(third)).toMatchObject(end);
    clock.advance(2 * DAY);
    expect(await endedOf(third)).toMatchObject(end);
  });

  test('does not take an end of all sessions for that of a session that was opened after it', async () => {
    await signIn();
    await world.ender.endUser(user.userId, 1, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
    // In the same millisecond, so it gets a later id.
    const { session } = await world.open(user);
    expect(await explain(session.sessionId)).toMatchObject({ subject: { kind: 'live' } });
    clock.advance(8 * DAY);
    await dropExpired();
    expect(await endedOf(session)).toMatchObject({ reason: 'IDLE', evidence: 'DEADLINE' });
  });

  test('has the end from the session store until the trail has it', async () => {
    const { userId, sessionId, refreshToken } = await signIn();
    world.trail.events.clear();
    await world.sessions.logoutByRefreshToken(refreshToken);
    world.trail.events.clear();
    const explained = await explain(sessionId, userId);
    expect(explained.subject).toMatchObject({
      session: { end: { reason: 'LOGGED_OUT', endedAt: clock.now() } },
    });
    expect(explained.entries.map(({ kind }) => kind)).toEqual(['OPENED', 'ENDED']);
  });

  test('keeps the sign-in and the newest entries of very many', async () => {
    const { sessionId, userId } = await signIn();
    const opened = clock.now();
    for (let n = 1; n <= 250; n += 1) {
      await store(
        anAuditEvent(n, { userId, sessionId, kind: 'RefreshReplayed', at: opened + n * MINUTE, reason: '' }),
      );
    }
    const { entries, omitsEntries } = await explain(sessionId);
    expect([entries.length, omitsEntries]).toEqual([201, true]);
    expect(entries[0]).toMatchObject({ kind: 'OPENED', at: opened, clientId: 'web' });
    expect(entries.at(-1)).toMatchObject({ at: opened + 250 * MINUTE });
  });

  test('answers alike for an unknown session and for one of somebody else, also after an end of all', async () => {
    const { sessionId } = await signIn();
    const stranger = world.addUser();
    const unknown = ids.next(clock.now());
    clock.advance(1);
    await world.ender.endUser(stranger.userId, 2, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
    await world.settle();
    const before = world.trail.events.size;
    const failures = await Promise.all([
      failureOf(explain(unknown)),
      failureOf(explain(unknown, stranger.userId)),
      failureOf(explain(sessionId, stranger.userId)),
      failureOf(explain('00000000-0000-4000-8000-000000000000')),
    ]);
    for (const { reason, message } of failures)
      expect([reason, message]).toEqual(['SESSION_NOT_FOUND', failures[0]?.message]);
    expect(world.trail.events.size).toBe(before);
  });

  test('fails while the trail is away', async () => {
    const { sessionId, userId } = await signIn();
    world.trail.isAway = true;
    expect((await failureOf(explain(sessionId))).reason).toBe('STORE_UNAVAILABLE');
    expect((await failureOf(world.history.list(userId, 10))).reason).toBe('STORE_UNAVAILABLE');
  });
});

test('a session that a failover restored has its last end, in the list and in the explanation', async () => {
  const { userId, sessionId } = await signIn();
  const end = (n: number, at: number, reason: string) =>
    anAuditEvent(n, { userId, sessionId, kind: 'SessionEnded', at, reason });
  await store(end(1, clock.now() + 1, 'LOGGED_OUT'));
  expect(await world.history.list(userId, 10)).toMatchObject({ sessions: [{ sessionId }], ended: [] });
  expect(await explain(sessionId)).toMatchObject({ subject: { kind: 'live' } });
  clock.advance(MINUTE);
  await world.ender.endRecord(userId, sessionId, 'ENDED_BY_ADMIN');
  await store(end(2, clock.now(), 'ENDED_BY_ADMIN'));
  expect(await listedEnd({ userId, sessionId })).toMatchObject({ reason: 'ENDED_BY_ADMIN' });
  expect(await endedOf({ sessionId })).toMatchObject({ reason: 'ENDED_BY_ADMIN' });
});

describe('a deadline that nobody noticed', () => {
  test('is told exactly as long as the record is there', async () => {
    const session = await signIn();
    clock.advance(7 * DAY + HOUR);
    const end = { reason: 'IDLE', endedAt: session.idleDeadline, endedBy: 'SERVICE', evidence: 'RECORDED' };
    expect(await endedOf(session)).toMatchObject(end);
    expect(await listedEnd(session)).toMatchObject(end);
  });

  test('is IDLE between two times, once the record is gone', async () => {
    const session = await signIn();
    clock.advance(7 * DAY + HOUR);
    await dropExpired();
    const range = { endedAt: undefined, notBefore: session.idleDeadline, notAfter: clock.now() };
    expect(await endedOf(session)).toMatchObject({ reason: 'IDLE', ...range, evidence: 'DEADLINE' });
    expect(await listedEnd(session)).toMatchObject({ reason: 'IDLE', evidence: 'DEADLINE' });
    const { entries } = await explain(session.sessionId);
    expect(entries.at(-1)).toMatchObject({ kind: 'ENDED', at: session.idleDeadline, lastAt: clock.now() });
  });

  test('is one of the two after the absolute deadline', async () => {
    const session = await signIn();
    clock.advance(31 * DAY);
    await dropExpired();
    const range = { notBefore: session.idleDeadline, notAfter: session.absoluteDeadline };
    expect(await endedOf(session)).toMatchObject({ reason: 'UNSPECIFIED', ...range, evidence: 'DEADLINE' });
  });

  test('is no deadline for certain if the session store may have lost the record', async () => {
    const session = await signIn();
    const events = [...world.trail.events.values()];
    clock.advance(MINUTE);
    const later = await SessionWorld.open(
      { store: new MemorySessionStore(clock), log: new MemoryRevocationLog(DAY) },
      clock,
    );
    await later.trail.insert(events);
    await later.settle();
    const unknown = { reason: 'UNSPECIFIED', endedAt: undefined, endedBy: 'UNSPECIFIED', evidence: 'LOST' };
    for (const ms of [0, 8 * DAY, 30 * DAY]) {
      clock.advance(ms);
      const { subject } = await later.history.explain(session.sessionId);
      const notAfter = Math.min(clock.now(), session.absoluteDeadline);
      expect(subject).toMatchObject({
        session: { end: { ...unknown, notBefore: session.createdAt, notAfter } },
      });
    }
    await later.close();
  });
});

describe('the list with ended sessions', () => {
  test('has the living ones first, then the ended ones, each newest sign-in first', async () => {
    const sessions = [];
    for (const name of ['a', 'b', 'c', 'd']) sessions.push(await signIn({ name, platform: 'Linux' }));
    // The limit of three ended the first one.
    const [first, second, third, fourth] = sessions;
    await world.control.end(user.userId, third?.sessionId ?? '', 'ENDED_BY_USER', ADMIN_ACTOR);
    const { sessions: living, ended, next } = await world.history.list(user.userId, 100);
    expect(living.map(({ sessionId }) => sessionId)).toEqual([fourth?.sessionId, second?.sessionId]);
    expect(ended).toMatchObject([
      {
        sessionId: third?.sessionId,
        deviceName: 'c',
        platform: 'Linux',
        clientId: 'web',
        ipAddress: '192.0.2.1',
      },
      { sessionId: first?.sessionId, deviceName: 'a', end: { reason: 'REPLACED', endedBy: 'USER' } },
    ]);
    expect(ended[0]).toMatchObject({
      createdAt: third?.createdAt,
      absoluteDeadline: third?.absoluteDeadline,
    });
    expect(next).toBeUndefined();
  });

  test.each([1, 2, 3, 5])('has every session once in pages of %s', async (size) => {
    const opened = [];
    for (let count = 0; count < 8; count += 1) opened.push((await signIn()).sessionId);
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const { sessions, ended, next } = await world.history.list(user.userId, size, after);
      pages.push([...sessions, ...ended].map(({ sessionId }) => sessionId));
      after = next;
    } while (after !== undefined);
    expect(pages.flat()).toEqual(opened.reverse());
    expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(size);
  });

  test('leaves out what ended more than 30 days ago, and asks for no older sign-ins', async () => {
    const old = await signIn();
    clock.advance(DAY);
    const recent = await signIn();
    await world.control.endAll(user.userId, ADMIN_ACTOR).catch(() => undefined);
    const [gone] = [...world.trail.events.values()].filter(({ sessionId }) => sessionId === old.sessionId);
    await store({
      ...(gone as AuditEvent),
      kind: 'SessionEnded',
      eventId: ids.next(old.createdAt + 1),
      at: old.createdAt + 1,
    });
    clock.advance(29 * DAY + HOUR);
    const listed = async () =>
      (await world.history.list(user.userId, 100)).ended.map(({ sessionId }) => sessionId);
    expect(await listed()).toEqual([recent.sessionId]);
    clock.advance(DAY);
    expect(await listed()).toEqual([]);
    clock.advance(100 * DAY);
    expect((await world.history.list(user.userId, 1)).next).toBeUndefined();
  });

  test('costs three queries a page, and one where there is nothing', async () => {
    for (let count = 0; count < 20; count += 1) await signIn();
    const cost = async () => {
      const before = world.trail.lists;
      await world.history.list(user.userId, 100);
      return world.trail.lists - before;
    };
    expect(await cost()).toBe(3);
    world.trail.events.clear();
    expect(await cost()).toBe(1);
  });
});
