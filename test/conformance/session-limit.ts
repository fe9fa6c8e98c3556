import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, atMost, DAY, ids, MINUTE } from '../support/sessions.ts';
import { sessionSteps } from './session-steps.ts';

/** The law of `SessionStore` for logins that need room. @param open opens a store; its data may be shared. */
export function sessionLimitLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name})`, () => {
    let clock: ManualClock;
    let store: SessionStore;
    let steps: ReturnType<typeof sessionSteps>;

    beforeEach(() => {
      clock = new ManualClock();
      store = open(clock);
      steps = sessionSteps(store, clock);
    });

    describe('replacing', () => {
      const device = { deviceId: 'phone-1', name: 'Phone', platform: 'Android' };

      test('replaces only the session of the same device and client', async () => {
        const userId = ids.next(clock.now());
        const earlier = await steps.opened({ userId, device });
        const otherClient = await steps.opened({ userId, device, clientId: 'tv' });
        const otherDevice = await steps.opened({ userId, device: { ...device, deviceId: 'phone-2' } });
        const nameless = await steps.opened({ userId });
        const outcome = await steps.create(aSession(clock.now(), { userId, device }));
        expect(outcome).toEqual({
          kind: 'created',
          replaced: [
            { sessionId: earlier.sessionId, reason: 'REPLACED', endedAt: clock.now(), revision: undefined },
          ],
        });
        for (const other of [otherClient, otherDevice, nameless]) {
          expect(await steps.read(other)).toMatchObject({ kind: 'live' });
        }
      });

      test("never replaces another user's session, whatever the device", async () => {
        const other = await steps.opened({ device });
        await steps.create(aSession(clock.now(), { device }));
        expect(await steps.read(other)).toMatchObject({ kind: 'live' });
      });

      /** Creates sessions of one user, oldest first. */
      const openedInTurn = async (count: number) => {
        const userId = ids.next(clock.now());
        const sessions: Session[] = [];
        for (let index = 0; index < count; index += 1) {
          clock.advance(1);
          sessions.push(await steps.opened({ userId }));
        }
        clock.advance(1);
        return { userId, sessions, idsOf: sessions.map(({ sessionId }) => sessionId) };
      };
      const endAndLog = async (userId: string, sessionIds: readonly string[]) => {
        for (const sessionId of sessionIds) {
          await store.end({ userId, sessionId, reason: 'REPLACED', tombstoneTtlMs: DAY, now: clock.now() });
          await store.markLogged(userId, sessionId, '1-0', clock.now());
        }
      };

      test('names the oldest sessions beyond the limit, creates nothing and ends nothing', async () => {
        const { userId, sessions, idsOf } = await openedInTurn(3);
        const session = aSession(clock.now(), { userId });
        const outcome = await steps.create(session, atMost(2));
        expect(outcome).toEqual({ kind: 'full', toEnd: idsOf.slice(0, 2) });
        expect(await steps.read(session)).toEqual({ kind: 'missing' });
        for (const kept of sessions) expect(await steps.read(kept)).toMatchObject({ kind: 'live' });
      });

      test('has room once they have ended and are logged', async () => {
        const { userId, sessions, idsOf } = await openedInTurn(3);
        await endAndLog(userId, idsOf.slice(0, 2));
        const session = aSession(clock.now(), { userId });
        const outcome = await steps.create(session, atMost(2));
        expect(outcome).toEqual({ kind: 'created', replaced: [] });
        expect(await steps.read(sessions[2] as Session)).toMatchObject({ kind: 'live' });
      });

      test('has no room, and names the same session again, while its end is not logged', async () => {
        const { userId, idsOf } = await openedInTurn(2);
        const [oldest = ''] = idsOf;
        const how = { reason: 'REPLACED', tombstoneTtlMs: DAY, now: clock.now() } as const;
        await store.end({ userId, sessionId: oldest, ...how });
        const again = () => steps.create(aSession(clock.now(), { userId }), atMost(2));
        expect(await again()).toEqual({ kind: 'full', toEnd: [oldest] });
        await store.markLogged(userId, oldest, '1-0', clock.now());
        expect(await again()).toMatchObject({ kind: 'created' });
      });

      test('reports a replaced session again until its end is marked as logged', async () => {
        const userId = ids.next(clock.now());
        const first = await steps.opened({ userId, device });
        await steps.create(aSession(clock.now(), { userId, device }));
        clock.advance(MINUTE);
        const again = await steps.create(aSession(clock.now(), { userId }));
        expect(again).toMatchObject({
          replaced: [{ sessionId: first.sessionId, reason: 'REPLACED', endedAt: first.createdAt }],
        });
        await store.markLogged(userId, first.sessionId, '1-0', clock.now());
        expect(await steps.create(aSession(clock.now(), { userId }))).toEqual({
          kind: 'created',
          replaced: [],
        });
      });

      test('is covered by the cut-off of its user while its end is not logged', async () => {
        const ahead = clock.now() + 2_000;
        const session = await steps.opened({ sessionId: ids.next(ahead) });
        await steps.end(session, 'REPLACED');
        expect(await steps.endUser(session.userId, 2)).toMatchObject({ cutoff: ahead });
      });

      test('does not count or report sessions whose deadline has passed', async () => {
        const userId = ids.next(clock.now());
        const idle = await steps.opened({ userId, device });
        clock.advance(7 * DAY);
        expect(await steps.create(aSession(clock.now(), { userId, device }))).toEqual({
          kind: 'created',
          replaced: [],
        });
        expect(await steps.read(idle)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
      });

      test('keeps one session of a device through 20 concurrent logins', async () => {
        const userId = ids.next(clock.now());
        const sessions = Array.from({ length: 20 }, () => aSession(clock.now(), { userId, device }));
        await Promise.all(sessions.map((session) => steps.create(session)));
        const states = await Promise.all(sessions.map(steps.read));
        expect(states.filter(({ kind }) => kind === 'live')).toHaveLength(1);
      });
    });
  });
}
