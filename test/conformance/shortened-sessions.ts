import { beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';
import { sessionSteps } from './session-steps.ts';

/** What a risk assessment needs of a `SessionStore`. @param open opens a store; all tests may share its data. */
export function shortenedSessionsLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`a session at risk in the session store (${name})`, () => {
    let clock: ManualClock;
    let steps: ReturnType<typeof sessionSteps>;

    beforeEach(() => {
      clock = new ManualClock();
      steps = sessionSteps(open(clock), clock);
    });

    test('has both deadlines lowered by a shortening, and nothing else changes', async () => {
      const session = await steps.opened({
        device: { deviceId: '],"', name: '1,2,3', platform: '' },
        authenticationMethods: [],
        labels: { app: '5.2' },
        isNewDevice: true,
      });
      const deadline = clock.now() + HOUR;
      const shortened = { ...session, idleDeadline: deadline, absoluteDeadline: deadline };
      expect(await steps.shorten(session, deadline)).toEqual({ kind: 'live', session: shortened });
      expect(await steps.read(session)).toEqual({ kind: 'live', session: shortened });
    });

    test('keeps the earlier of two deadlines', async () => {
      const session = await steps.opened();
      const absoluteDeadline = clock.now() + 20 * DAY;
      const { idleDeadline } = session;
      const live = { kind: 'live', session: { ...session, absoluteDeadline } };
      expect(await steps.shorten(session, absoluteDeadline)).toEqual(live);
      expect(await steps.shorten(session, absoluteDeadline + DAY)).toEqual(live);
      expect(live.session.idleDeadline).toBe(idleDeadline);
    });

    test('does not outlive the shortened deadline by a refresh, and ends at it as MAX_LIFETIME', async () => {
      const session = await steps.opened();
      const deadline = clock.now() + HOUR;
      await steps.shorten(session, deadline);
      clock.advance(30 * MINUTE);
      const refreshed = { idleDeadline: deadline, absoluteDeadline: deadline, generation: 2 };
      expect(await steps.rotate(session, 1)).toMatchObject({ kind: 'rotated', session: refreshed });
      clock.advance(30 * MINUTE);
      expect(await steps.rotate(session, 2)).toMatchObject({
        kind: 'ended',
        ended: { reason: 'MAX_LIFETIME' },
      });
    });

    test('is not brought back by a shortening', async () => {
      const session = await steps.opened();
      await steps.end(session, 'RISK');
      const ended = { kind: 'ended', ended: { reason: 'RISK' } };
      expect(await steps.shorten(session, clock.now() + HOUR)).toMatchObject(ended);
      expect(await steps.read(session)).toMatchObject(ended);
    });

    test('is not created by a shortening, nor found under another user', async () => {
      const session = await steps.opened();
      const deadline = clock.now() + HOUR;
      const missing = { kind: 'missing' };
      expect(await steps.shorten(aSession(clock.now()), deadline)).toEqual(missing);
      const foreign = { ...session, userId: ids.next(clock.now()) };
      expect(await steps.shorten(foreign, deadline)).toEqual(missing);
      expect(await steps.read(foreign)).toEqual(missing);
      expect(await steps.read(session)).toEqual({ kind: 'live', session });
    });

    test('tells at each refresh the address of the one before', async () => {
      const session = await steps.opened({ ipAddress: '192.0.2.1', isNewDevice: true });
      const addressesAt = async (generation: number, ipAddress: string) => {
        const outcome = await steps.rotate(session, generation, 1, '', ipAddress);
        return outcome.kind === 'rotated'
          ? [outcome.previousIpAddress, outcome.session.latestIpAddress]
          : outcome.kind;
      };
      expect(await addressesAt(1, '192.0.2.1')).toEqual(['192.0.2.1', '192.0.2.1']);
      expect(await addressesAt(2, '2001:db8::1')).toEqual(['192.0.2.1', '2001:db8::1']);
      expect(await addressesAt(2, '192.0.2.9')).toBe('replayed');
      expect(await addressesAt(3, '')).toEqual(['2001:db8::1', '2001:db8::1']);
      expect(await addressesAt(4, '192.0.2.1')).toEqual(['2001:db8::1', '192.0.2.1']);
      expect(await steps.read(session)).toMatchObject({ session: { isNewDevice: true } });
    });

    test('had no address before if none was known', async () => {
      const session = await steps.opened({ ipAddress: '', latestIpAddress: '' });
      const rotated = await steps.rotate(session, 1, 1, '', '192.0.2.1');
      expect(rotated).toMatchObject({ kind: 'rotated', previousIpAddress: '' });
    });
  });
}
