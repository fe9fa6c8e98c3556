import { beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_LISTED_SESSIONS, type SessionLimit } from '../../src/core/session/device-policy.ts';
import { type Session, summaryOf } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, atMost, DAY, ids } from '../support/sessions.ts';
import { sessionSteps } from './session-steps.ts';

const ONE_PER_PLATFORM = { counted: 'same-platform' } as const;
const REFUSE = { atLimit: 'refuse' } as const;

/** What `SessionStore` promises of device policies. @param open answers a store; its data may be shared. */
export function devicePolicyLaw(name: string, open: (clock: ManualClock) => SessionStore): void {
  describe(`the session store (${name}), by a device policy,`, () => {
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

    const on = (platform: string, deviceId = '') => ({
      userId,
      device: { deviceId, name: `on ${platform}`, platform },
    });
    /** One session after the other, oldest first. */
    const openedOn = async (...platforms: readonly string[]) => {
      const sessions: Session[] = [];
      for (const platform of platforms) {
        clock.advance(1);
        sessions.push(await steps.opened(on(platform)));
      }
      clock.advance(1);
      return sessions;
    };
    const login = (given: Partial<Session>, most: number, limit: Partial<SessionLimit>, endSessionId = '') =>
      steps.create(aSession(clock.now(), given), { ...atMost(most, limit), endSessionId });
    const idsOf = (sessions: readonly Session[]) => sessions.map(({ sessionId }) => sessionId);

    test('refuses a session beyond the limit, with the others oldest first, and ends nothing', async () => {
      const sessions = await openedOn('Windows', 'iOS');
      const [first, second] = sessions as [Session, Session];
      await steps.rotate(first, 1);
      const refused = await login(on('iOS'), 2, REFUSE);
      const seen = { ...first, lastSeenAt: clock.now() };
      expect(refused).toEqual({ kind: 'refused', sessions: [seen, second].map(summaryOf) });
      for (const kept of sessions) expect(await steps.read(kept)).toMatchObject({ kind: 'live' });
    });

    test('lists at most so many sessions, the oldest', async () => {
      const sessions = await openedOn(...Array.from({ length: MAX_LISTED_SESSIONS + 2 }, () => ''));
      const refused = await login(on(''), 5, REFUSE);
      expect(refused).toEqual({
        kind: 'refused',
        sessions: sessions.slice(0, MAX_LISTED_SESSIONS).map(summaryOf),
      });
    });

    test('has the chosen session ended instead of a refusal, and has room once it is', async () => {
      const [first, second] = (await openedOn('Windows', 'iOS')) as [Session, Session];
      const again = () => login(on('iOS'), 2, REFUSE, second.sessionId);
      expect(await again()).toEqual({ kind: 'full', toEnd: [second.sessionId] });
      await steps.end(second, 'REPLACED');
      expect(await again()).toEqual({ kind: 'full', toEnd: [second.sessionId] });
      await store.markLogged(userId, second.sessionId, '1-0', clock.now());
      expect(await again()).toEqual({ kind: 'created', replaced: [] });
      expect(await steps.read(first)).toMatchObject({ kind: 'live' });
    });

    test('has the chosen session ended before the oldest', async () => {
      const sessions = await openedOn('', '', '', '');
      const [first, , , last] = idsOf(sessions);
      expect(await login(on(''), 4, {}, last)).toEqual({ kind: 'full', toEnd: [last] });
      expect(await login(on(''), 3, {}, last)).toEqual({ kind: 'full', toEnd: [first, last] });
    });

    test('ends nothing that was chosen while there is room', async () => {
      const [first] = (await openedOn('')) as [Session];
      expect(await login(on(''), 2, REFUSE, first.sessionId)).toEqual({ kind: 'created', replaced: [] });
      expect(await steps.read(first)).toMatchObject({ kind: 'live' });
    });

    test("refuses all the same with a chosen session that is unknown, ended or another user's", async () => {
      const sessions = await openedOn('');
      const foreign = await steps.opened();
      const ended = await steps.opened({ userId });
      await steps.end(ended);
      for (const chosen of ['', ids.next(clock.now()), foreign.sessionId, ended.sessionId]) {
        const refused = await login(on(''), 1, REFUSE, chosen);
        expect(refused).toEqual({ kind: 'refused', sessions: sessions.map(summaryOf) });
      }
      expect(await steps.read(foreign)).toMatchObject({ kind: 'live' });
    });

    test.each(['laptop', 'a "lap\\top"', 'n\u00fcrnberg', 'a/b'])(
      'replaces the session of the same device first, which does not count: %s',
      async (deviceId) => {
        const first = await steps.opened(on('Windows', deviceId));
        const again = await login(on('Windows', deviceId), 1, REFUSE);
        expect(again).toMatchObject({ kind: 'created', replaced: [{ sessionId: first.sessionId }] });
      },
    );

    test('takes a device whose id is only part of another session for another device', async () => {
      const first = await steps.opened({ ...on('Windows', 'laptop-2'), clientId: 'laptop' });
      const refused = await login({ ...on('laptop', 'laptop'), clientId: 'laptop' }, 1, REFUSE);
      expect(refused).toEqual({ kind: 'refused', sessions: [summaryOf(first)] });
    });

    test.each([
      ['Windows', ' windows '],
      ['', '  '],
      ['\u00c4pp', '\u00c4PP'],
    ])('counts %p and %p as one platform', async (platform, same) => {
      const [first] = idsOf(await openedOn(platform, 'another', 'yet another'));
      expect(await login(on(same), 1, ONE_PER_PLATFORM)).toEqual({ kind: 'full', toEnd: [first] });
    });

    test.each([
      ['', 'Windows'],
      ['\u00c4pp', '\u00e4pp'],
      ['Windows 11', 'Windows  11'],
    ])('counts %p and %p as two platforms', async (platform, other) => {
      await openedOn(platform);
      expect(await login(on(other), 1, ONE_PER_PLATFORM)).toEqual({ kind: 'created', replaced: [] });
    });

    test('lists and ends only sessions of the same platform', async () => {
      const [phone, laptop] = (await openedOn('iOS', 'Windows')) as [Session, Session];
      const one = { ...ONE_PER_PLATFORM, ...REFUSE };
      const refused = await login(on('iOS'), 1, one, laptop.sessionId);
      expect(refused).toEqual({ kind: 'refused', sessions: [summaryOf(phone)] });
      expect(await login(on('iOS'), 1, one, phone.sessionId)).toEqual({
        kind: 'full',
        toEnd: [phone.sessionId],
      });
    });

    test('counts a replaced session whose end is not logged on every platform', async () => {
      const [phone] = (await openedOn('iOS')) as [Session];
      await steps.end(phone, 'REPLACED');
      for (const limit of [ONE_PER_PLATFORM, { ...ONE_PER_PLATFORM, ...REFUSE }]) {
        expect(await login(on('Windows'), 1, limit)).toEqual({ kind: 'full', toEnd: [phone.sessionId] });
      }
    });

    test('does not count or list a session whose deadline has passed', async () => {
      await openedOn('', '');
      clock.advance(7 * DAY);
      expect(await login(on(''), 1, REFUSE)).toEqual({ kind: 'created', replaced: [] });
    });

    test('opens one session of many at once, and refuses the others', async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => login(on(''), 1, REFUSE)));
      expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'refused')).toHaveLength(19);
    });
  });
}
