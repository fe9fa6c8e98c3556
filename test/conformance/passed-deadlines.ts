import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';
import { sessionSteps } from './session-steps.ts';

/** What `SessionStore` promises of sessions whose deadline has passed. @param open as in `sessionStoreLaw`. */
export function passedDeadlinesLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name})`, () => {
    let clock: ManualClock;
    let steps: ReturnType<typeof sessionSteps>;
    let store: SessionStore;
    let userId: string;

    beforeEach(() => {
      clock = new ManualClock();
      store = open(clock);
      steps = sessionSteps(store, clock);
      userId = ids.next(clock.now());
    });

    const opened = (idleMs: number, absoluteMs: number) =>
      steps.opened({
        ...{ userId, securityVersion: 1 },
        idleDeadline: clock.now() + idleMs,
        absoluteDeadline: clock.now() + absoluteMs,
      });
    const endOf = async (session: Session) => {
      const found = await steps.read(session);
      return found.kind === 'ended' ? { reason: found.ended.reason, endedAt: found.ended.endedAt } : found;
    };
    const other = () => aSession(clock.now(), { userId, securityVersion: 1 });

    const STEPS: Readonly<Record<string, (session: Session) => Promise<unknown>>> = {
      'a refresh': (session) => steps.rotate(session, 1),
      'an end': (session) => steps.end(session, 'ENDED_BY_ADMIN'),
      'an end by its id': (session) => steps.endKnown(session),
      'the end of all others': () => steps.endOthers(other()),
      'a changed password': () => steps.endOutdated(other(), 2),
      'the end of all sessions of its user': () => steps.endUser(userId, 2),
      'a sign-in': () => steps.create(other()),
    };

    describe.each(Object.entries(STEPS))('after a passed deadline, %s', (_, step) => {
      test.each([
        ['IDLE', HOUR, DAY],
        ['MAX_LIFETIME', DAY, DAY],
      ])('finds that the session ended as %s, at that deadline', async (reason, idleMs, absoluteMs) => {
        const session = await opened(idleMs, absoluteMs);
        clock.advance(idleMs + MINUTE);
        await step(session);
        expect(await endOf(session)).toEqual({ reason, endedAt: session.idleDeadline });
      });

      test('finds the deadline that passed first', async () => {
        const session = await opened(HOUR, DAY);
        clock.advance(DAY);
        await step(session);
        expect(await endOf(session)).toEqual({ reason: 'IDLE', endedAt: session.idleDeadline });
      });
    });

    test('answers every end with the deadline, and again', async () => {
      const session = await opened(HOUR, DAY);
      clock.advance(2 * HOUR);
      const { sessionId, idleDeadline } = session;
      const ended = { sessionId, reason: 'IDLE', endedAt: idleDeadline, revision: undefined };
      expect(await steps.end(session, 'ENDED_BY_ADMIN')).toEqual(ended);
      expect(await steps.end(session, 'ENDED_BY_ADMIN')).toEqual(ended);
      expect(await steps.endKnown(session)).toEqual(ended);
      expect(await steps.rotate(session, 1)).toEqual({ kind: 'ended', ended });
    });

    test('takes an end for what it was if the deadline passed after it', async () => {
      const session = await opened(HOUR, DAY);
      const endedAt = clock.now();
      clock.advance(2 * HOUR);
      const end = { userId, sessionId: session.sessionId, reason: 'LOGGED_OUT' as const };
      await store.end({ ...end, tombstoneTtlMs: DAY, now: endedAt });
      expect(await endOf(session)).toEqual({ reason: 'LOGGED_OUT', endedAt });
    });
  });

  describe(`ends that are not logged when all sessions of the user end (${name})`, () => {
    test('are returned with their own reason until they are marked, except those that began later', async () => {
      const clock = new ManualClock();
      const store = open(clock);
      const steps = sessionSteps(store, clock);
      const userId = ids.next(clock.now());
      const [loggedOut, marked, living] = [
        await steps.opened({ userId }),
        await steps.opened({ userId }),
        await steps.opened({ userId }),
      ];
      const ended = await steps.end(loggedOut, 'LOGGED_OUT');
      await steps.end(marked, 'LOGGED_OUT');
      await store.markLogged(userId, marked.sessionId, '1-0', clock.now());
      clock.advance(MINUTE);
      const later = await steps.opened({ userId });
      await steps.end(later);
      expect(await steps.endUser(userId, 2, living.createdAt)).toMatchObject({ unlogged: [ended] });
      expect(await steps.endUser(userId, 2)).toMatchObject({
        unlogged: [ended, { sessionId: later.sessionId, reason: 'LOGGED_OUT' }],
      });
      await store.markLogged(userId, later.sessionId, '1-1', clock.now());
      expect(await steps.endUser(userId, 2)).toMatchObject({ unlogged: [ended] });
    });
  });
}
