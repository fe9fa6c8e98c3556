import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { limitOf } from '../../src/core/session/device-policy.ts';
import { summaryOf } from '../../src/core/session/session.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { DevicePolicy } from '../../src/core/user/device-policy.ts';
import type { User } from '../../src/core/user/user.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY } from '../support/sessions.ts';
import { UncertainLog } from '../support/uncertain-log.ts';
import { aUser } from '../support/users.ts';

const REFUSES: DevicePolicy = { kind: 'limit', maxSessions: 2, atLimit: 'refuse' };

describe('the limit of a sign-in', () => {
  const unlimited = limitOf(aUser(1), { kind: 'unlimited' });
  const one = { maxSessions: 1, atLimit: 'replace' };

  test.each<[DevicePolicy, object]>([
    [
      { kind: 'limit', maxSessions: 7, atLimit: 'refuse' },
      { ...one, maxSessions: 7, atLimit: 'refuse' },
    ],
    [{ kind: 'one', atLimit: 'replace' }, one],
    [
      { kind: 'one-per-platform', atLimit: 'replace' },
      { ...one, counted: 'same-platform' },
    ],
  ])('is the configured one: %j', (policy, limit) => {
    expect(limitOf(aUser(1), policy)).toEqual({ counted: 'all', ...limit });
  });

  test('is the one of the user, if there is one, whatever the roles', () => {
    for (const roles of [[], ['service']]) {
      expect(limitOf(aUser(1, { roles, devicePolicy: REFUSES }), { kind: 'unlimited' })).toMatchObject({
        maxSessions: 2,
        atLimit: 'refuse',
      });
    }
  });

  test('is none for an account of services', () => {
    expect(limitOf(aUser(1, { roles: ['service'] }), REFUSES)).toEqual(unlimited);
    expect(unlimited.atLimit).toBe('replace');
  });
});

describe('a sign-in that the device policy refuses', () => {
  let clock: ManualClock;
  let log: UncertainLog;
  let world: SessionWorld;
  let user: User;
  let first: OpenedSession;
  let second: OpenedSession;

  beforeEach(async () => {
    clock = new ManualClock();
    log = new UncertainLog(DAY);
    world = await SessionWorld.open({ log }, clock);
    await world.settle();
    user = world.addUser({ devicePolicy: REFUSES });
    first = await world.open(user, { name: 'Laptop', platform: 'Windows' });
    clock.advance(1);
    second = await world.open(user, { name: 'Phone', platform: 'iOS' });
    clock.advance(1);
  });

  afterEach(() => world.close());

  const stateOf = async ({ session }: OpenedSession) =>
    (await world.store.read(user.userId, session.sessionId, clock.now())).kind;

  test('names the sessions, and is an event that is no failure', async () => {
    const refused = await world.signIn(user);
    const sessions = [first, second].map(({ session }) => summaryOf(session));
    expect(refused).toEqual({ kind: 'session-limit', sessions });
    expect(sessions[0]).toMatchObject({ deviceName: 'Laptop', platform: 'Windows' });
    expect(world.events.of('SignInRefused')).toEqual([
      {
        kind: 'SignInRefused',
        reason: '',
        at: clock.now(),
        actor: { kind: 'credentials' },
        userId: user.userId,
        origin: { ipAddress: '192.0.2.1', clientId: 'web' },
      },
    ]);
    expect(world.events.of('SignInFailed')).toEqual([]);
  });

  test('opens a session once it names one to end, which is felt everywhere', async () => {
    const opened = await world.signIn(user, {}, second.session.sessionId);
    expect(opened).toMatchObject({
      kind: 'opened',
      replaced: [{ sessionId: second.session.sessionId, reason: 'REPLACED', revision: expect.any(String) }],
    });
    expect(await stateOf(first)).toBe('live');
    await eventually(() => world.follower.size === 1);
    const { verdict } = await world.tokens.validate(second.tokens.accessToken, { consistency: 'BOUNDED' });
    expect(verdict).toMatchObject({ endReason: 'REPLACED' });
  });

  test('opens nothing while the end of the chosen session cannot be logged', async () => {
    log.broken = true;
    const choose = () => world.signIn(user, {}, second.session.sessionId);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await failureOf(choose())).reason).toBe('STORE_UNAVAILABLE');
    }
    log.broken = false;
    expect(await choose()).toMatchObject({ kind: 'opened' });
    expect(await stateOf(first)).toBe('live');
  });

  test('ends one session at a time where the policy was lowered', async () => {
    const one = world.changeUser(user, { devicePolicy: { kind: 'one', atLimit: 'refuse' } });
    const refused = await world.signIn(one, {}, first.session.sessionId);
    expect(refused).toEqual({ kind: 'session-limit', sessions: [summaryOf(second.session)] });
    expect(await stateOf(first)).toBe('ended');
    expect(await world.signIn(one, {}, second.session.sessionId)).toMatchObject({ kind: 'opened' });
  });

  test('is refused once more where another sign-in took the room of the chosen session', async () => {
    const choices = Array.from({ length: 10 }, () => world.signIn(user, {}, second.session.sessionId));
    const kinds = (await Promise.all(choices)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'opened')).toHaveLength(1);
    expect(await stateOf(first)).toBe('live');
  });

  test('does not concern an account of services', async () => {
    const service = world.addUser({ roles: ['service'] });
    const opened = await Promise.all(Array.from({ length: 60 }, () => world.open(service)));
    expect(opened.flatMap(({ replaced }) => replaced)).toEqual([]);
  });
});
