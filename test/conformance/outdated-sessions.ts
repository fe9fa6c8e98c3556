import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';
import { sessionSteps } from './session-steps.ts';

/** What `SessionStore` promises of sessions with an older security version. @param open as in `sessionStoreLaw`. */
export function outdatedSessionsLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`ending the sessions with an older security version but one (${name})`, () => {
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

    const opened = (given: Partial<Session> = {}) => {
      clock.advance(1);
      return steps.opened({ userId, ...given });
    };
    const endedNow = ({ sessionId }: Session) => ({
      ...{ sessionId, reason: 'PASSWORD_CHANGED', endedAt: clock.now(), revision: undefined },
    });
    const living = async () => (await steps.list(userId)).map(({ sessionId }) => sessionId);

    test('ends them, names them oldest first, and keeps that one as it is but for its version', async () => {
      const [first, kept, third] = [await opened(), await opened(), await opened()];
      const stranger = await steps.opened();
      expect(await steps.endOutdated(kept, 2)).toEqual([endedNow(first), endedNow(third)]);
      expect(await steps.list(userId)).toEqual([{ ...kept, securityVersion: 2 }]);
      expect(await steps.rotate(third, 1, 2)).toMatchObject({ ended: { reason: 'PASSWORD_CHANGED' } });
      expect(await steps.read(stranger)).toEqual({ kind: 'live', session: stranger });
    });

    test('changes nothing else in the kept record, whatever it holds', async () => {
      const kept = await opened({
        ...{ ipAddress: '192.0.2.1', authenticationMethods: ['pwd', ',]'] },
        device: { deviceId: ']",1,', name: '[{"\\', platform: '\\\\"' },
        labels: { app: '"]}' },
      });
      await steps.rotate(kept, 1, 1, '', '2001:db8::1');
      const before = await steps.read(kept);
      expect(await steps.endOutdated(kept, 12)).toEqual([]);
      const session = { ...(before.kind === 'live' ? before.session : kept), securityVersion: 12 };
      expect(await steps.read(kept)).toEqual({ kind: 'live', session });
      expect(await steps.rotate(kept, 2, 12)).toMatchObject({
        kind: 'rotated',
        session: { generation: 3, securityVersion: 12, latestIpAddress: '192.0.2.1' },
      });
    });

    test('keeps every session of the version or a later one, older than the kept one or younger', async () => {
      const early = await opened({ securityVersion: 2 });
      const outdated = await opened();
      const kept = await opened();
      const late = await opened({ securityVersion: 3 });
      expect(await steps.endOutdated(kept, 2)).toEqual([endedNow(outdated)]);
      expect(await living()).toEqual([late.sessionId, kept.sessionId, early.sessionId]);
    });

    test('refuses logins and refreshes that read the user before, and no others', async () => {
      const kept = await opened();
      await steps.endOutdated(kept, 2);
      const login = aSession(clock.now(), { userId });
      expect(await steps.create(login)).toEqual({ kind: 'user-changed' });
      expect(await steps.rotate(kept, 1, 1)).toEqual({ kind: 'user-changed' });
      expect(await living()).toEqual([kept.sessionId]);
      // In the same millisecond: no times are compared.
      const current = { ...login, securityVersion: 2 };
      expect(await steps.create(current)).toEqual({ kind: 'created', replaced: [] });
      expect(await steps.rotate(kept, 1, 2)).toMatchObject({ kind: 'rotated' });
    });

    test('refuses no other user', async () => {
      await steps.endOutdated(await opened(), 2);
      expect(await steps.create(aSession(clock.now()))).toMatchObject({ kind: 'created' });
    });

    test('never lowers a version, of the kept session or of what is refused', async () => {
      const kept = await opened({ securityVersion: 5 });
      await steps.endOutdated(kept, 5);
      expect(await steps.endOutdated(kept, 4)).toEqual([]);
      expect(await steps.read(kept)).toMatchObject({ session: { securityVersion: 5 } });
      expect(await steps.create(aSession(clock.now(), { userId, securityVersion: 4 }))).toEqual({
        kind: 'user-changed',
      });
    });

    test('keeps the cut-off of earlier ends, which come before and after it', async () => {
      await steps.endUser(userId, 2);
      const kept = await opened({ securityVersion: 2 });
      await steps.endOutdated(kept, 3);
      const before = { userId, securityVersion: 3, sessionId: ids.next(clock.now() - 1) };
      expect(await steps.create(aSession(clock.now(), before))).toMatchObject({ kind: 'clock-behind' });
      await steps.endUser(userId, 4);
      expect(await living()).toEqual([]);
      await steps.endOutdated(kept, 3);
      expect(await steps.read(kept)).toMatchObject({ kind: 'ended' });
      expect(await steps.create(aSession(clock.now(), { userId, securityVersion: 3 }))).toEqual({
        kind: 'user-changed',
      });
    });

    test('names ends again until they are marked as logged, and ends nothing opened since', async () => {
      const [first, loggedOut, kept] = [await opened(), await opened(), await opened()];
      await steps.end(loggedOut);
      const ends = await steps.endOutdated(kept, 2);
      expect(ends).toEqual([endedNow(first), { ...endedNow(loggedOut), reason: 'LOGGED_OUT' }]);
      const current = await opened({ securityVersion: 2 });
      clock.advance(MINUTE);
      expect(await steps.endOutdated(kept, 2)).toEqual(ends);
      for (const { sessionId } of ends) await store.markLogged(userId, sessionId, '1-0', clock.now());
      expect(await steps.endOutdated(kept, 2)).toEqual([]);
      expect(await living()).toEqual([current.sessionId, kept.sessionId]);
    });

    test('finds that deadlines have ended some, and names them not', async () => {
      const idle = await opened();
      clock.advance(7 * DAY);
      const kept = await opened();
      expect(await steps.endOutdated(kept, 2)).toEqual([]);
      expect(await steps.read(idle)).toMatchObject({ ended: { reason: 'IDLE' } });
    });

    test('writes nothing to a kept session that has ended or is missing', async () => {
      const [other, kept] = [await opened(), await opened()];
      await steps.end(kept);
      expect(await steps.endOutdated(kept, 2)).toEqual([endedNow(other)]);
      expect(await steps.read(kept)).toMatchObject({ ended: { reason: 'LOGGED_OUT' } });
      const missing = aSession(clock.now(), { userId });
      await steps.endOutdated(missing, 3);
      expect(await steps.read(missing)).toEqual({ kind: 'missing' });
    });

    test('leaves the kept session and those of the new version, of logins and refreshes under way', async () => {
      const [other, kept] = [await opened(), await opened()];
      const logins = Array.from({ length: 20 }, (_, index) =>
        aSession(clock.now(), { userId, securityVersion: 1 + (index % 2) }),
      );
      await Promise.all([
        ...logins.slice(0, 10).map((session) => steps.create(session)),
        ...[other, kept].map((session) => steps.rotate(session, 1, 1, '', '', true)),
        steps.endOutdated(kept, 2),
        ...[other, kept].map((session) => steps.rotate(session, 2, 2, '', '', true)),
        ...logins.slice(10).map((session) => steps.create(session)),
      ]);
      const current = logins.filter(({ securityVersion }) => securityVersion === 2);
      const expected = [kept, ...current].map(({ sessionId }) => sessionId);
      expect((await living()).toSorted()).toEqual(expected.toSorted());
    });

    test('a kept session is refreshed before its record has the version, and no other is', async () => {
      const [kept, other] = [await opened(), await opened()];
      expect(await steps.rotate(kept, 1, 2, '', '', true)).toMatchObject({
        kind: 'rotated',
        session: { generation: 2, securityVersion: 1 },
      });
      expect(await steps.rotate(other, 1, 2)).toMatchObject({ kind: 'ended' });
      clock.advance(HOUR);
      await steps.endOutdated(kept, 2);
      expect(await steps.rotate(kept, 2, 2)).toMatchObject({ kind: 'rotated' });
    });
  });
}
