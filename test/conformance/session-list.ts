import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, atMost, DAY, ids, MINUTE } from '../support/sessions.ts';
import { GRACE, sessionSteps } from './session-steps.ts';

/** What `SessionStore` promises of a user's list, and of ends by a session's id. @param open as in `sessionStoreLaw`. */
export function sessionListLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name})`, () => {
    let clock: ManualClock;
    let store: SessionStore;
    let steps: ReturnType<typeof sessionSteps>;
    let userId: string;

    beforeEach(() => {
      clock = new ManualClock();
      store = open(clock);
      steps = sessionSteps(store, clock);
      userId = ids.next(clock.now());
    });

    /** Sessions of the user, oldest first. */
    const openedInTurn = async (count: number, given: Partial<Session> = {}): Promise<Session[]> => {
      const sessions: Session[] = [];
      for (let index = 0; index < count; index += 1) {
        clock.advance(1);
        sessions.push(await steps.opened({ userId, ...given }));
      }
      return sessions;
    };
    const threeSessions = async () => (await openedInTurn(3)) as [Session, Session, Session];
    const endedNow = ({ sessionId }: Session, reason: string) => ({
      ...{ sessionId, reason, endedAt: clock.now(), revision: undefined },
    });

    describe('listing', () => {
      test('gives the living sessions of the user as they are, newest first', async () => {
        const [first, second, third] = await threeSessions();
        await steps.opened();
        clock.advance(MINUTE);
        await steps.rotate(first, 1, 1, '', '198.51.100.1');
        const refreshed = await steps.read(first);
        expect(refreshed).toMatchObject({ session: { latestIpAddress: '198.51.100.1' } });
        const expected = [third, second, refreshed.kind === 'live' && refreshed.session];
        expect(await steps.list(userId)).toEqual(expected);
      });

      test('gives nothing for a user without sessions', async () => {
        expect(await steps.list(userId)).toEqual([]);
      });

      test('leaves out what has ended, logged or not, and whatever ended it', async () => {
        const [first, second, third] = await threeSessions();
        await steps.end(first, 'REPLACED');
        await steps.end(second);
        await store.markLogged(userId, second.sessionId, '1-0', clock.now());
        expect(await steps.list(userId)).toEqual([third]);
        await steps.rotate(third, 1);
        clock.advance(GRACE + 1);
        expect(await steps.rotate(third, 1)).toMatchObject({ kind: 'reused' });
        expect(await steps.list(userId)).toEqual([]);
      });

      test('leaves out a session from the millisecond of either deadline on', async () => {
        const now = clock.now();
        const idle = await steps.opened({ userId, idleDeadline: now + MINUTE });
        const old = await steps.opened({ userId, absoluteDeadline: now + MINUTE });
        clock.advance(MINUTE - 1);
        expect(await steps.list(userId)).toHaveLength(2);
        clock.advance(1);
        expect(await steps.list(userId)).toEqual([]);
        // Reading changes nothing: the records are there.
        for (const session of [idle, old]) expect(await steps.read(session)).toMatchObject({ kind: 'live' });
      });

      test('gives nothing after all sessions of the user were ended', async () => {
        await threeSessions();
        await steps.endUser(userId, 2);
        expect(await steps.list(userId)).toEqual([]);
      });
    });

    describe('ending a session by its id', () => {
      test('ends a living one, and answers that end again', async () => {
        const session = await steps.opened({ userId });
        const ended = endedNow(session, 'ENDED_BY_USER');
        expect(await steps.endKnown(session)).toEqual(ended);
        clock.advance(MINUTE);
        expect(await steps.endKnown(session, 'ENDED_BY_ADMIN')).toEqual(ended);
        expect(await steps.read(session)).toEqual({ kind: 'ended', ended });
        await store.markLogged(userId, session.sessionId, '1-7', clock.now());
        expect(await steps.endKnown(session)).toEqual({ ...ended, revision: '1-7', loggedAt: clock.now() });
      });

      test('knows nothing of an unknown id and of another user’s session, and leaves no trace', async () => {
        const session = await steps.opened();
        const unknown = aSession(clock.now());
        const foreign = { ...session, userId };
        for (const target of [unknown, foreign]) {
          expect(await steps.endKnown(target)).toBeUndefined();
          expect(await steps.read(target)).toEqual({ kind: 'missing' });
        }
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
        expect(await steps.create(unknown)).toMatchObject({ kind: 'created' });
      });

      test('finds that a deadline has ended it', async () => {
        const session = await steps.opened({ userId });
        clock.advance(7 * DAY);
        expect(await steps.endKnown(session)).toEqual(endedNow(session, 'IDLE'));
        const old = await steps.opened({ absoluteDeadline: clock.now() + DAY });
        clock.advance(DAY);
        expect(await steps.endKnown(old)).toEqual(endedNow(old, 'MAX_LIFETIME'));
      });

      test('is final against refreshes under way', async () => {
        const session = await steps.opened();
        const steps40 = Array.from({ length: 40 }, (_, step) =>
          step === 20 ? steps.endKnown(session) : steps.rotate(session, step),
        );
        await Promise.all(steps40);
        expect(await steps.read(session)).toMatchObject({ kind: 'ended' });
        expect(await steps.list(session.userId)).toEqual([]);
      });
    });

    describe('ending all sessions but one', () => {
      test('ends the others, names them oldest first, and nobody else’s', async () => {
        const [first, second, third] = await threeSessions();
        const stranger = await steps.opened();
        expect(await steps.endOthers(second)).toEqual([
          endedNow(first, 'ENDED_BY_USER'),
          endedNow(third, 'ENDED_BY_USER'),
        ]);
        expect(await steps.list(userId)).toEqual([second]);
        expect(await steps.rotate(third, 1)).toMatchObject({
          kind: 'ended',
          ended: { reason: 'ENDED_BY_USER' },
        });
        expect(await steps.read(stranger)).toMatchObject({ kind: 'live' });
      });

      test('names them again, as they ended, until their ends are marked as logged', async () => {
        const [first, second, third] = await threeSessions();
        const ended = await steps.endOthers(second);
        clock.advance(MINUTE);
        expect(await steps.endOthers(second, 'RISK')).toEqual(ended);
        await store.markLogged(userId, first.sessionId, '1-0', clock.now());
        expect(await steps.endOthers(second)).toEqual(ended.slice(1));
        await store.markLogged(userId, third.sessionId, '1-1', clock.now());
        expect(await steps.endOthers(second)).toEqual([]);
      });

      test('completes ends of every kind that were not logged, except those at a deadline', async () => {
        const [loggedOut, endedById, kept] = await threeSessions();
        const [replaced, reused, idle] = await threeSessions();
        await steps.end(loggedOut);
        await steps.endKnown(endedById, 'ENDED_BY_ADMIN');
        await steps.end(replaced, 'REPLACED');
        await steps.rotate(reused, 1);
        await steps.rotate(reused, 2);
        await steps.rotate(reused, 1);
        clock.advance(6 * DAY);
        await steps.rotate(kept, 1);
        clock.advance(DAY);
        expect(await steps.rotate(idle, 1)).toMatchObject({ ended: { reason: 'IDLE' } });
        const ends = await steps.endOthers(kept);
        expect(ends.map(({ sessionId, reason }) => [sessionId, reason])).toEqual([
          [loggedOut.sessionId, 'LOGGED_OUT'],
          [endedById.sessionId, 'ENDED_BY_ADMIN'],
          [replaced.sessionId, 'REPLACED'],
          [reused.sessionId, 'REFRESH_TOKEN_REUSED'],
        ]);
        expect(await steps.list(userId)).toMatchObject([{ sessionId: kept.sessionId }]);
      });

      test('finds that deadlines have ended some, and names them not', async () => {
        const [first] = await threeSessions();
        clock.advance(7 * DAY);
        const kept = await steps.opened({ userId });
        expect(await steps.endOthers(kept)).toEqual([]);
        expect(await steps.read(first)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
      });

      test('ends all of them where the one to keep has ended', async () => {
        const [first, second, third] = await threeSessions();
        await steps.end(third);
        expect(await steps.endOthers(third)).toHaveLength(2);
        for (const session of [first, second]) {
          expect(await steps.read(session)).toMatchObject({ ended: { reason: 'ENDED_BY_USER' } });
        }
        expect(await steps.read(third)).toMatchObject({ ended: { reason: 'LOGGED_OUT' } });
      });

      test('ends nothing that is opened afterwards, and keeps nobody from signing in', async () => {
        const [first] = await threeSessions();
        await steps.endOthers(first);
        const outcome = await steps.create(aSession(clock.now(), { userId }), atMost(2));
        // The ends are not logged yet. Only replaced sessions count until then.
        expect(outcome).toEqual({ kind: 'created', replaced: [] });
        expect(await steps.list(userId)).toHaveLength(2);
      });

      test('is covered by the cut-off of its user while an end is not logged', async () => {
        const ahead = clock.now() + 2_000;
        const kept = await steps.opened({ userId });
        await steps.opened({ userId, sessionId: ids.next(ahead) });
        await steps.endOthers(kept);
        expect(await steps.endUser(userId, 2)).toMatchObject({ cutoff: ahead });
      });

      test('leaves the kept session and what was opened after it, of logins and refreshes under way', async () => {
        const [first, kept, third] = await threeSessions();
        const logins = Array.from({ length: 10 }, () => aSession(clock.now(), { userId }));
        await Promise.all([
          ...logins.slice(0, 5).map((session) => steps.create(session)),
          ...[first, kept, third].map((session) => steps.rotate(session, 1)),
          steps.endOthers(kept),
          ...[first, kept, third].map((session) => steps.rotate(session, 2)),
          ...logins.slice(5).map((session) => steps.create(session)),
        ]);
        const living = new Set((await steps.list(userId)).map(({ sessionId }) => sessionId));
        expect(living.has(kept.sessionId)).toBe(true);
        for (const { sessionId } of [first, third]) expect(living.has(sessionId)).toBe(false);
        for (const session of logins) {
          const { kind } = await steps.read(session);
          expect(kind).toBe(living.has(session.sessionId) ? 'live' : 'ended');
        }
      });
    });
  });
}
