import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, ids, MINUTE } from '../support/sessions.ts';
import { GRACE, sessionSteps } from './session-steps.ts';

/** The law of `SessionStore`. @param open opens a store; all tests may share its data. */
export function sessionStoreLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name})`, () => {
    let clock: ManualClock;
    let store: SessionStore;
    let steps: ReturnType<typeof sessionSteps>;

    beforeEach(() => {
      clock = new ManualClock();
      store = open(clock);
      steps = sessionSteps(store, clock);
    });

    describe('storing a session', () => {
      test('reads back exactly what was created', async () => {
        const session = await steps.opened({
          device: {
            deviceId: 'd'.repeat(64),
            name: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${'é'.repeat(60)} 😀😀 "n0"`,
            platform: 'Windows 11 {x}',
          },
          ipAddress: '2001:db8::1',
          authenticationMethods: ['pwd', 'otp'],
          labels: { app_version: '5.2 "beta" [1]', 'store.name': 'é😀\\' },
        });
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
      });

      test('reads back empty fields as empty', async () => {
        const session = await steps.opened({
          clientId: '',
          ipAddress: '',
          device: { deviceId: '', name: '', platform: '' },
          authenticationMethods: [],
        });
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
      });

      test('finds no session that was never created', async () => {
        expect(await steps.read(aSession(clock.now()))).toEqual({ kind: 'missing' });
        expect(await steps.rotate(aSession(clock.now()), 1)).toEqual({ kind: 'missing' });
      });

      test("does not find a session under another user's id", async () => {
        const session = await steps.opened();
        const otherUser = { ...session, userId: ids.next(clock.now()) };
        expect(await steps.read(otherUser)).toEqual({ kind: 'missing' });
        expect(await steps.rotate(otherUser, 1)).toEqual({ kind: 'missing' });
        await steps.end(otherUser);
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
      });

      test('never overwrites a record with a new session', async () => {
        const session = await steps.opened();
        await expect(steps.create({ ...session, clientId: 'other' })).rejects.toThrow();
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
        await steps.end(session);
        await expect(steps.create(session)).rejects.toThrow();
        expect(await steps.read(session)).toMatchObject({ kind: 'ended' });
      });
    });

    describe('rotation', () => {
      test('replaces the current generation by the next one, and moves the idle deadline', async () => {
        const session = await steps.opened();
        clock.advance(MINUTE);
        const expected = {
          ...session,
          generation: 2,
          lastSeenAt: clock.now(),
          idleDeadline: clock.now() + 7 * DAY,
        };
        const { ipAddress: previousIpAddress } = session;
        expect(await steps.rotate(session, 1)).toEqual({
          kind: 'rotated',
          session: expected,
          previousIpAddress,
        });
        expect(await steps.read(session)).toEqual({ kind: 'live', session: expected });
      });

      test('never moves the idle deadline past the absolute one', async () => {
        const session = await steps.opened({
          absoluteDeadline: clock.now() + 3 * DAY,
          idleDeadline: clock.now() + DAY,
        });
        expect(await steps.rotate(session, 1)).toMatchObject({
          session: { idleDeadline: session.absoluteDeadline },
        });
      });

      test('returns the same successor for the previous token within the grace, and changes nothing', async () => {
        const session = await steps.opened();
        await steps.rotate(session, 1);
        const before = await steps.read(session);
        clock.advance(GRACE);
        expect(await steps.rotate(session, 1)).toMatchObject({
          kind: 'replayed',
          session: { generation: 2 },
        });
        expect(await steps.read(session)).toEqual(before);
      });

      test('ends the session when the previous token is used after the grace', async () => {
        const session = await steps.opened();
        await steps.rotate(session, 1);
        clock.advance(GRACE + 1);
        const ended = {
          sessionId: session.sessionId,
          reason: 'REFRESH_TOKEN_REUSED',
          endedAt: clock.now(),
          revision: undefined,
        };
        expect(await steps.rotate(session, 1)).toEqual({ kind: 'reused', ended });
        expect(await steps.rotate(session, 2)).toEqual({ kind: 'ended', ended });
        expect(await steps.read(session)).toEqual({ kind: 'ended', ended });
      });

      test('ends the session when a token older than the previous one is used, within the grace or not', async () => {
        const session = await steps.opened();
        await steps.rotate(session, 1);
        await steps.rotate(session, 2);
        expect(await steps.rotate(session, 1)).toMatchObject({ kind: 'reused' });
      });

      test('accepts a later generation than the stored one and continues from there', async () => {
        const session = await steps.opened();
        expect(await steps.rotate(session, 7)).toMatchObject({ kind: 'rotated', session: { generation: 8 } });
        expect(await steps.rotate(session, 7)).toMatchObject({
          kind: 'replayed',
          session: { generation: 8 },
        });
        expect(await steps.rotate(session, 8)).toMatchObject({ kind: 'rotated', session: { generation: 9 } });
        expect(await steps.rotate(session, 3)).toMatchObject({ kind: 'reused' });
      });

      test('gives one successor to 100 concurrent refreshes', async () => {
        const session = await steps.opened();
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => steps.rotate(session, 1)));
        expect(outcomes.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
        expect(outcomes.filter(({ kind }) => kind === 'replayed')).toHaveLength(99);
        expect(await steps.read(session)).toMatchObject({ session: { generation: 2 } });
      });

      test('ends as IDLE at the idle deadline and as MAX_LIFETIME at the absolute one', async () => {
        const idle = await steps.opened();
        const old = await steps.opened({
          idleDeadline: clock.now() + 7 * DAY,
          absoluteDeadline: clock.now() + 7 * DAY,
        });
        clock.advance(7 * DAY - 1);
        expect(await steps.read(idle)).toMatchObject({ kind: 'live' });
        clock.advance(1);
        expect(await steps.rotate(idle, 1)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
        expect(await steps.rotate(old, 1)).toMatchObject({
          kind: 'ended',
          ended: { reason: 'MAX_LIFETIME' },
        });
        expect(await steps.read(idle)).toMatchObject({ kind: 'ended', ended: { reason: 'IDLE' } });
      });
    });

    describe('ending a session', () => {
      test('keeps the first end and returns it again', async () => {
        const session = await steps.opened();
        const ended = {
          sessionId: session.sessionId,
          reason: 'LOGGED_OUT',
          endedAt: clock.now(),
          revision: undefined,
        };
        expect(await steps.end(session)).toEqual(ended);
        clock.advance(MINUTE);
        expect(await steps.end(session, 'ENDED_BY_ADMIN')).toEqual(ended);
        expect(await steps.read(session)).toEqual({ kind: 'ended', ended });
      });

      test('stores the revision of the end, and changes nothing in a live session', async () => {
        const session = await steps.opened();
        await store.markLogged(session.userId, session.sessionId, '1-0', clock.now());
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
        await steps.end(session);
        await store.markLogged(session.userId, session.sessionId, '1-1', clock.now());
        expect(await steps.end(session)).toMatchObject({ revision: '1-1', loggedAt: clock.now() });
      });

      test('leaves a tombstone if there is no session', async () => {
        const session = aSession(clock.now());
        await steps.end(session, 'USER_DELETED');
        expect(await steps.read(session)).toMatchObject({ kind: 'ended', ended: { reason: 'USER_DELETED' } });
        await expect(steps.create(session)).rejects.toThrow();
      });

      test('is final against concurrent refreshes', async () => {
        const session = await steps.opened();
        const under = Array.from({ length: 40 }, (_, step) =>
          step === 20 ? steps.end(session) : steps.rotate(session, step),
        );
        await Promise.all(under);
        expect(await steps.read(session)).toMatchObject({ kind: 'ended' });
        expect(await steps.rotate(session, 1000)).toMatchObject({ kind: 'ended' });
      });
    });

    describe('the address of a refresh', () => {
      const refreshedFrom = async (session: Session, generation: number, ipAddress: string) => {
        await steps.rotate(session, generation, 1, '', ipAddress);
        const found = await steps.read(session);
        return found.kind === 'live' ? found.session : undefined;
      };

      test('is the latest one, and nothing else of the session changes with it', async () => {
        const session = await steps.opened({
          ipAddress: '192.0.2.1',
          device: { deviceId: ']"', name: '[{"\\', platform: '\\\\"' },
          authenticationMethods: ['pwd', ']', '"'],
          labels: { app: '"]}' },
        });
        for (const [index, latestIpAddress] of ['2001:db8::1', '198.51.100.23', '192.0.2.1'].entries()) {
          const generation = index + 2;
          const idleDeadline = clock.now() + 7 * DAY;
          const expected = { ...session, generation, latestIpAddress, lastSeenAt: clock.now(), idleDeadline };
          expect(await refreshedFrom(session, index + 1, latestIpAddress)).toEqual(expected);
        }
      });

      test('does not replace a known one where it is unknown', async () => {
        const session = await steps.opened({ ipAddress: '192.0.2.1' });
        expect(await refreshedFrom(session, 1, '')).toMatchObject({ latestIpAddress: '192.0.2.1' });
      });

      test('is the first that is known where the sign-in had none', async () => {
        const session = await steps.opened({ ipAddress: '', authenticationMethods: [] });
        const expected = { ipAddress: '', latestIpAddress: '192.0.2.9', authenticationMethods: [] };
        expect(await refreshedFrom(session, 1, '192.0.2.9')).toMatchObject(expected);
      });

      test('is not stored when the refresh only repeats an earlier one', async () => {
        const session = await steps.opened({ ipAddress: '192.0.2.1' });
        await refreshedFrom(session, 1, '192.0.2.2');
        expect(await refreshedFrom(session, 1, '192.0.2.3')).toMatchObject({ latestIpAddress: '192.0.2.2' });
      });
    });

    describe('a refresh token that another client presents', () => {
      test('is refused, and the session stays live', async () => {
        const session = await steps.opened({ clientId: 'web' });
        expect(await steps.rotate(session, 1, 1, 'app')).toEqual({ kind: 'other-client' });
        expect(await steps.rotate(session, 0, 1, 'app')).toEqual({ kind: 'other-client' });
        expect(await steps.read(session)).toEqual({ kind: 'live', session });
        expect(await steps.rotate(session, 1, 1, 'web')).toMatchObject({ kind: 'rotated' });
        expect(await steps.rotate(session, 2, 1, '')).toMatchObject({ kind: 'rotated' });
      });

      test('gets the reason of the end, if the session has ended', async () => {
        const session = await steps.opened({ clientId: 'web' });
        await steps.end(session);
        expect(await steps.rotate(session, 1, 1, 'app')).toMatchObject({ kind: 'ended' });
      });
    });

    describe('a session that was opened under an older security version of its user', () => {
      test('ends at its next refresh, with the given reason', async () => {
        const session = await steps.opened({ securityVersion: 4 });
        expect(await steps.rotate(session, 1, 4)).toMatchObject({ kind: 'rotated' });
        const ended = { reason: 'USER_DISABLED', endedAt: clock.now(), revision: undefined };
        expect(await steps.rotate(session, 2, 5)).toMatchObject({ kind: 'ended', ended });
        expect(await steps.read(session)).toMatchObject({ kind: 'ended', ended });
      });

      test('gets no successor again within the grace', async () => {
        const session = await steps.opened({ securityVersion: 4 });
        await steps.rotate(session, 1, 4);
        expect(await steps.rotate(session, 1, 5)).toMatchObject({ ended: { reason: 'USER_DISABLED' } });
      });

      test('can be refreshed by a caller that read an even older user', async () => {
        const session = await steps.opened({ securityVersion: 4 });
        expect(await steps.rotate(session, 1, 3)).toMatchObject({ kind: 'rotated' });
      });
    });

    describe('ending every session of a user', () => {
      test('ends all of them, and no session of another user', async () => {
        const userId = ids.next(clock.now());
        const [one, two, other] = [
          await steps.opened({ userId }),
          await steps.opened({ userId }),
          await steps.opened(),
        ];
        const { cutoff } = await steps.endUser(userId, 2);
        expect(cutoff).toBe(clock.now());
        expect(await steps.read(two)).toMatchObject({ kind: 'ended', ended: { reason: 'PASSWORD_CHANGED' } });
        expect(await steps.rotate(one, 1, 2)).toMatchObject({
          kind: 'ended',
          ended: { reason: 'PASSWORD_CHANGED' },
        });
        expect(await steps.read(other)).toMatchObject({ kind: 'live' });
      });

      test("is not before the youngest session, even if another server's clock was ahead", async () => {
        const ahead = clock.now() + 2_000;
        const session = await steps.opened({ sessionId: ids.next(ahead) });
        expect(await steps.endUser(session.userId, 2)).toMatchObject({ cutoff: ahead });
      });

      test('refuses a login that read the user before, and requests a later id from one that read it after', async () => {
        const userId = ids.next(clock.now());
        await steps.endUser(userId, 2);
        expect(await steps.create(aSession(clock.now(), { userId, securityVersion: 1 }))).toEqual({
          kind: 'user-changed',
        });
        expect(await steps.create(aSession(clock.now(), { userId, securityVersion: 2 }))).toEqual({
          kind: 'clock-behind',
          cutoff: clock.now(),
        });
        const sessionId = ids.next(clock.now() + 1);
        const younger = aSession(clock.now(), { userId, sessionId, securityVersion: 2 });
        expect(await steps.create(younger)).toMatchObject({ kind: 'created' });
        expect(await steps.rotate(younger, 1, 1)).toEqual({ kind: 'user-changed' });
        expect(await steps.rotate(younger, 1, 2)).toMatchObject({ kind: 'rotated' });
      });

      test('can end only what an earlier cut-off ended, and never moves a cut-off back', async () => {
        const userId = ids.next(clock.now());
        const old = await steps.opened({ userId });
        clock.advance(MINUTE);
        const young = await steps.opened({ userId });
        expect(await steps.endUser(userId, 0, old.createdAt)).toEqual({
          cutoff: old.createdAt,
          unlogged: [],
        });
        expect(await steps.read(old)).toMatchObject({ kind: 'ended' });
        expect(await steps.read(young)).toMatchObject({ kind: 'live' });
        await steps.endUser(userId, 3);
        await steps.endUser(userId, 0, old.createdAt);
        const late = (securityVersion: number) => aSession(clock.now(), { userId, securityVersion });
        expect(await steps.create(late(2))).toEqual({ kind: 'user-changed' });
        expect(await steps.create(late(3))).toMatchObject({ kind: 'clock-behind' });
      });

      test('leaves no live session of concurrent logins and refreshes', async () => {
        const userId = ids.next(clock.now());
        const before = await steps.opened({ userId });
        const logins = Array.from({ length: 10 }, () => aSession(clock.now(), { userId }));
        await Promise.all([
          ...logins.slice(0, 5).map((session) => steps.create(session)),
          steps.rotate(before, 1),
          steps.endUser(userId, 2),
          steps.rotate(before, 2),
          ...logins.slice(5).map((session) => steps.create(session)),
        ]);
        for (const session of [before, ...logins]) expect((await steps.read(session)).kind).not.toBe('live');
      });
    });

    test('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
      await expect(store.ping(aSession(clock.now()).userId)).resolves.toBeUndefined();
    });
  });
}
