import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EndReason, Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';

const GRACE = 30_000;

/** The law of `SessionStore`, held against a store. @param open answers a store; its data may be shared by all tests. */
export function sessionStoreLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name})`, () => {
    let clock: ManualClock;
    let store: SessionStore;

    beforeEach(() => {
      clock = new ManualClock();
      store = open(clock);
    });

    const create = (
      session: Session,
      given: { securityVersion?: number; maxSessionsPerUser?: number } = {},
    ) =>
      store.create({
        session,
        securityVersion: 1,
        maxSessionsPerUser: 50,
        tombstoneTtlMs: DAY,
        now: clock.now(),
        ...given,
      });
    const rotate = (session: Session, generation: number, securityVersion = 1) =>
      store.rotate({
        userId: session.userId,
        sessionId: session.sessionId,
        generation,
        securityVersion,
        refreshGraceMs: GRACE,
        idleTtlMs: 7 * DAY,
        tombstoneTtlMs: DAY,
        now: clock.now(),
      });
    const end = ({ userId, sessionId }: Session, reason: EndReason = 'LOGGED_OUT') =>
      store.end({ userId, sessionId, reason, tombstoneTtlMs: DAY, now: clock.now() });
    const endUser = (userId: string, securityVersion: number, createdUpTo?: number) =>
      store.endUser({
        userId,
        securityVersion,
        reason: 'PASSWORD_CHANGED',
        tombstoneTtlMs: DAY,
        cutoffTtlMs: HOUR,
        now: clock.now(),
        ...(createdUpTo === undefined ? {} : { createdUpTo }),
      });
    const read = ({ userId, sessionId }: Session) => store.read(userId, sessionId, clock.now());
    const opened = async (given: Partial<Session> = {}) => {
      const session = aSession(clock.now(), given);
      expect(await create(session)).toEqual({ kind: 'created', replaced: [] });
      return session;
    };

    describe('keeping a session', () => {
      test('reads back what was created, to the letter', async () => {
        const session = await opened({
          device: {
            deviceId: 'd'.repeat(64),
            name: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${'é'.repeat(60)} 😀😀 "n0"`,
            platform: 'Windows 11 {x}',
          },
          ipAddress: '2001:db8::1',
          authenticationMethods: ['pwd', 'otp'],
        });
        expect(await read(session)).toEqual({ kind: 'live', session });
      });

      test('reads back empty fields as empty', async () => {
        const session = await opened({
          clientId: '',
          ipAddress: '',
          device: { deviceId: '', name: '', platform: '' },
          authenticationMethods: [],
        });
        expect(await read(session)).toEqual({ kind: 'live', session });
      });

      test('knows nothing of a session that was never created', async () => {
        expect(await read(aSession(clock.now()))).toEqual({ kind: 'missing' });
        expect(await rotate(aSession(clock.now()), 1)).toEqual({ kind: 'missing' });
      });

      test("does not find a session under another user's id", async () => {
        const session = await opened();
        const stranger = { ...session, userId: ids.next(clock.now()) };
        expect(await read(stranger)).toEqual({ kind: 'missing' });
        expect(await rotate(stranger, 1)).toEqual({ kind: 'missing' });
        await end(stranger);
        expect(await read(session)).toEqual({ kind: 'live', session });
      });

      test('never overwrites a record with a new session', async () => {
        const session = await opened();
        await expect(create({ ...session, clientId: 'other' })).rejects.toThrow();
        expect(await read(session)).toEqual({ kind: 'live', session });
        await end(session);
        await expect(create(session)).rejects.toThrow();
        expect(await read(session)).toMatchObject({ kind: 'ended' });
      });
    });

    describe('rotation', () => {
      test('moves the current generation to the next one, and the idle deadline with it', async () => {
        const session = await opened();
        clock.advance(MINUTE);
        const expected = {
          ...session,
          generation: 2,
          lastSeenAt: clock.now(),
          idleDeadline: clock.now() + 7 * DAY,
        };
        expect(await rotate(session, 1)).toEqual({ kind: 'rotated', session: expected });
        expect(await read(session)).toEqual({ kind: 'live', session: expected });
      });

      test('never moves the idle deadline past the absolute one', async () => {
        const session = await opened({
          absoluteDeadline: clock.now() + 3 * DAY,
          idleDeadline: clock.now() + DAY,
        });
        expect(await rotate(session, 1)).toMatchObject({
          session: { idleDeadline: session.absoluteDeadline },
        });
      });

      test('answers the token before the current one within the grace with the same successor, changing nothing', async () => {
        const session = await opened();
        await rotate(session, 1);
        const before = await read(session);
        clock.advance(GRACE);
        expect(await rotate(session, 1)).toMatchObject({ kind: 'replayed', session: { generation: 2 } });
        expect(await read(session)).toEqual(before);
      });

      test('ends the session when the token before the current one comes after the grace', async () => {
        const session = await opened();
        await rotate(session, 1);
        clock.advance(GRACE + 1);
        const ended = {
          sessionId: session.sessionId,
          reason: 'REFRESH_TOKEN_REUSED',
          endedAt: clock.now(),
          revision: undefined,
        };
        expect(await rotate(session, 1)).toEqual({ kind: 'reused', ended });
        expect(await rotate(session, 2)).toEqual({ kind: 'ended', ended });
        expect(await read(session)).toEqual({ kind: 'ended', ended });
      });

      test('ends the session when a token older than the previous one comes, grace or not', async () => {
        const session = await opened();
        await rotate(session, 1);
        await rotate(session, 2);
        expect(await rotate(session, 1)).toMatchObject({ kind: 'reused' });
      });

      test('accepts a later generation than the stored one and goes on from there', async () => {
        const session = await opened();
        expect(await rotate(session, 7)).toMatchObject({ kind: 'rotated', session: { generation: 8 } });
        expect(await rotate(session, 7)).toMatchObject({ kind: 'replayed', session: { generation: 8 } });
        expect(await rotate(session, 8)).toMatchObject({ kind: 'rotated', session: { generation: 9 } });
        expect(await rotate(session, 3)).toMatchObject({ kind: 'reused' });
      });

      test('gives one successor to 100 refreshes at once', async () => {
        const session = await opened();
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => rotate(session, 1)));
        expect(outcomes.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
        expect(outcomes.filter(({ kind }) => kind === 'replayed')).toHaveLength(99);
        expect(await read(session)).toMatchObject({ session: { generation: 2 } });
      });

      test('ends as IDLE at the idle deadline and as MAX_LIFETIME at the absolute one', async () => {
        const idle = await opened();
        const old = await opened({
          idleDeadline: clock.now() + 7 * DAY,
          absoluteDeadline: clock.now() + 7 * DAY,
        });
        clock.advance(7 * DAY - 1);
        expect(await read(idle)).toMatchObject({ kind: 'live' });
        clock.advance(1);
        expect(await rotate(idle, 1)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
        expect(await rotate(old, 1)).toMatchObject({ kind: 'ended', ended: { reason: 'MAX_LIFETIME' } });
        expect(await read(idle)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
      });
    });

    describe('ending', () => {
      test('keeps the first ending and answers it again', async () => {
        const session = await opened();
        const ended = {
          sessionId: session.sessionId,
          reason: 'LOGGED_OUT',
          endedAt: clock.now(),
          revision: undefined,
        };
        expect(await end(session)).toEqual(ended);
        clock.advance(MINUTE);
        expect(await end(session, 'ENDED_BY_ADMIN')).toEqual(ended);
        expect(await read(session)).toEqual({ kind: 'ended', ended });
      });

      test('remembers where the ending stands in the log, and notes nothing in a living session', async () => {
        const session = await opened();
        await store.markLogged(session.userId, session.sessionId, '1-0');
        expect(await read(session)).toEqual({ kind: 'live', session });
        await end(session);
        await store.markLogged(session.userId, session.sessionId, '1-1');
        expect(await end(session)).toMatchObject({ revision: '1-1' });
      });

      test('leaves a tombstone where there is no session', async () => {
        const session = aSession(clock.now());
        await end(session, 'USER_DELETED');
        expect(await read(session)).toMatchObject({ kind: 'ended', ended: { reason: 'USER_DELETED' } });
        await expect(create(session)).rejects.toThrow();
      });

      test('is final against refreshes under way', async () => {
        const session = await opened();
        const steps = Array.from({ length: 40 }, (_, step) =>
          step === 20 ? end(session) : rotate(session, step),
        );
        await Promise.all(steps);
        expect(await read(session)).toMatchObject({ kind: 'ended' });
        expect(await rotate(session, 1000)).toMatchObject({ kind: 'ended' });
      });
    });

    describe('replacing', () => {
      const device = { deviceId: 'phone-1', name: 'Phone', platform: 'Android' };

      test('replaces the session of the same device and client only', async () => {
        const userId = ids.next(clock.now());
        const earlier = await opened({ userId, device });
        const otherClient = await opened({ userId, device, clientId: 'tv' });
        const otherDevice = await opened({ userId, device: { ...device, deviceId: 'phone-2' } });
        const nameless = await opened({ userId });
        const outcome = await create(aSession(clock.now(), { userId, device }));
        expect(outcome).toEqual({
          kind: 'created',
          replaced: [
            { sessionId: earlier.sessionId, reason: 'REPLACED', endedAt: clock.now(), revision: undefined },
          ],
        });
        for (const other of [otherClient, otherDevice, nameless]) {
          expect(await read(other)).toMatchObject({ kind: 'live' });
        }
      });

      test("never replaces another user's session, whatever the device", async () => {
        const other = await opened({ device });
        await create(aSession(clock.now(), { device }));
        expect(await read(other)).toMatchObject({ kind: 'live' });
      });

      test('replaces the oldest sessions beyond the limit', async () => {
        const userId = ids.next(clock.now());
        const sessions: Session[] = [];
        for (let count = 0; count < 3; count += 1) {
          clock.advance(1);
          sessions.push(await opened({ userId }));
        }
        clock.advance(1);
        const outcome = await create(aSession(clock.now(), { userId }), { maxSessionsPerUser: 2 });
        expect(outcome).toMatchObject({
          replaced: sessions.slice(0, 2).map(({ sessionId }) => ({ sessionId })),
        });
        expect(await read(sessions[2] as Session)).toMatchObject({ kind: 'live' });
      });

      test('reports a replaced session again until its ending is marked as logged', async () => {
        const userId = ids.next(clock.now());
        const first = await opened({ userId, device });
        await create(aSession(clock.now(), { userId }), { maxSessionsPerUser: 1 });
        clock.advance(MINUTE);
        const again = await create(aSession(clock.now(), { userId }));
        expect(again).toMatchObject({
          replaced: [{ sessionId: first.sessionId, reason: 'REPLACED', endedAt: first.createdAt }],
        });
        await store.markLogged(userId, first.sessionId, '1-0');
        expect(await create(aSession(clock.now(), { userId }))).toEqual({ kind: 'created', replaced: [] });
      });

      test('does not count or report sessions whose deadline has passed', async () => {
        const userId = ids.next(clock.now());
        const idle = await opened({ userId, device });
        clock.advance(7 * DAY);
        expect(await create(aSession(clock.now(), { userId, device }))).toEqual({
          kind: 'created',
          replaced: [],
        });
        expect(await read(idle)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
      });

      test('keeps one session of a device through 20 logins at once', async () => {
        const userId = ids.next(clock.now());
        const sessions = Array.from({ length: 20 }, () => aSession(clock.now(), { userId, device }));
        await Promise.all(sessions.map((session) => create(session)));
        const states = await Promise.all(sessions.map(read));
        expect(states.filter(({ kind }) => kind === 'live')).toHaveLength(1);
      });
    });

    describe('ending every session of a user', () => {
      test('ends all of them, and nobody else’s', async () => {
        const userId = ids.next(clock.now());
        const [one, two, other] = [await opened({ userId }), await opened({ userId }), await opened()];
        const { cutoff, endedSessionIds } = await endUser(userId, 2);
        expect(cutoff).toBe(clock.now());
        expect(new Set(endedSessionIds)).toEqual(new Set([one.sessionId, two.sessionId]));
        expect(await rotate(one, 1, 2)).toMatchObject({
          kind: 'ended',
          ended: { reason: 'PASSWORD_CHANGED' },
        });
        expect(await read(other)).toMatchObject({ kind: 'live' });
      });

      test('is not before the youngest session, though another server’s clock was ahead', async () => {
        const ahead = clock.now() + 2_000;
        const session = await opened({ sessionId: ids.next(ahead) });
        expect(await endUser(session.userId, 2)).toMatchObject({ cutoff: ahead });
      });

      test('refuses a login that read the user before, and asks for a younger id of one that read it after', async () => {
        const userId = ids.next(clock.now());
        await endUser(userId, 2);
        expect(await create(aSession(clock.now(), { userId }), { securityVersion: 1 })).toEqual({
          kind: 'user-changed',
        });
        expect(await create(aSession(clock.now(), { userId }), { securityVersion: 2 })).toEqual({
          kind: 'clock-behind',
          cutoff: clock.now(),
        });
        const younger = aSession(clock.now(), { userId, sessionId: ids.next(clock.now() + 1) });
        expect(await create(younger, { securityVersion: 2 })).toMatchObject({ kind: 'created' });
        expect(await rotate(younger, 1, 1)).toEqual({ kind: 'user-changed' });
        expect(await rotate(younger, 1, 2)).toMatchObject({ kind: 'rotated' });
      });

      test('can end only what an earlier cut-off ended, and never takes a cut-off back', async () => {
        const userId = ids.next(clock.now());
        const old = await opened({ userId });
        clock.advance(MINUTE);
        const young = await opened({ userId });
        expect(await endUser(userId, 0, old.createdAt)).toEqual({
          cutoff: old.createdAt,
          endedSessionIds: [old.sessionId],
        });
        expect(await read(young)).toMatchObject({ kind: 'live' });
        await endUser(userId, 3);
        await endUser(userId, 0, old.createdAt);
        const late = aSession(clock.now(), { userId });
        expect(await create(late, { securityVersion: 2 })).toEqual({ kind: 'user-changed' });
        expect(await create(late, { securityVersion: 3 })).toMatchObject({ kind: 'clock-behind' });
      });

      test('leaves nothing alive of logins and refreshes under way', async () => {
        const userId = ids.next(clock.now());
        const before = await opened({ userId });
        const logins = Array.from({ length: 10 }, () => aSession(clock.now(), { userId }));
        await Promise.all([
          ...logins.slice(0, 5).map((session) => create(session)),
          rotate(before, 1),
          endUser(userId, 2),
          rotate(before, 2),
          ...logins.slice(5).map((session) => create(session)),
        ]);
        for (const session of [before, ...logins]) expect((await read(session)).kind).not.toBe('live');
      });
    });

    test('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
