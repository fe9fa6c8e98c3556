import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { auditEventOf } from '../../src/core/audit/audit-event.ts';
import type { AuditFilter } from '../../src/core/audit/audit-trail.ts';
import { type AssessedSignIn, RiskAssessor } from '../../src/core/risk/risk-assessor.ts';
import type { RiskRule, RiskTable } from '../../src/core/risk/risk-rules.ts';
import { SignInHistory } from '../../src/core/risk/sign-in-history.ts';
import type { User } from '../../src/core/user/user.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { MemoryAuditTrail } from '../support/memory-audit.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY, HOUR, ids } from '../support/sessions.ts';

const HOME = '192.0.2.1';
const AWAY = '198.51.100.1';
const LAPTOP = { deviceId: 'laptop', name: 'Firefox', platform: 'Linux' };
const PHONE = { deviceId: 'phone', name: 'Safari', platform: ' iOS' };

let world: SessionWorld;
let trail: MemoryAuditTrail;
let table: RiskTable | undefined;
let risk: RiskAssessor;
let user: User;
/** What was read, in order. */
let reads: string[];

beforeEach(async () => {
  world = await SessionWorld.open();
  await world.settle();
  trail = new MemoryAuditTrail();
  [table, reads] = [undefined, []];
  const { store, ender, events, clock } = world;
  risk = new RiskAssessor({
    ...{ store, ender, events, clock },
    history: new SignInHistory({
      trail: { list: noted('trail', (filter: AuditFilter, limit: number) => trail.list(filter, limit)) },
      store: { list: noted('sessions', (userId: string, now: number) => store.list(userId, now)) },
      clock,
    }),
    table: () => table,
    places: {
      networkOf: (address) => (address === '' || address.startsWith('10.') ? undefined : address),
      countryOf: (address) => (address === HOME ? 'DE' : 'FR'),
    },
  });
  world.moves = risk;
  user = world.addUser();
});

afterEach(() => world.close());

/** The same function, which notes its calls. */
function noted<Args extends unknown[], Result>(name: string, read: (...args: Args) => Promise<Result>) {
  return (...args: Args): Promise<Result> => {
    reads.push(name);
    return read(...args);
  };
}

/** Puts one rule in force. */
function enforce(rule: RiskRule, mode: RiskTable['mode'] = 'enforce'): void {
  table = { mode, rules: [rule] };
}

/** Assesses and opens as a login does. */
async function signIn(given: Partial<AssessedSignIn> = {}, who = user) {
  const attempt = { clientId: 'web', device: LAPTOP, ipAddress: HOME, isKnownDevice: false, ...given };
  const assessment = await risk.signIn(who, attempt);
  const { isNewDevice, lifetimeMs } = assessment;
  const facts = { ...attempt, labels: {}, authenticationMethods: ['pwd'], isNewDevice, lifetimeMs };
  const { isKnownDevice: _, ...opened } = facts;
  const outcome = await world.opener.open(who, opened);
  if (outcome.kind !== 'opened') throw new Error('the user is at the session limit');
  risk.signedIn(assessment, outcome.session, { kind: 'credentials' });
  return outcome;
}

/** Moves the events of sign-ins to the trail. */
async function record(): Promise<void> {
  const stored = world.events.stored.splice(0).filter(({ kind }) => kind === 'SignedIn');
  await trail.insert(stored.map((event) => auditEventOf(event, ids.next(event.at))));
}

const refresh = (refreshToken: string, ipAddress: string) =>
  world.sessions.refresh({ refreshToken, clientId: 'web', ipAddress });
const assessed = () =>
  world.events.of('RiskAssessed').map(({ signals, action, mode }) => [signals, action, mode]);

describe('without rules', () => {
  test('the first sign-in from a device is reported and marked, and later ones are not', async () => {
    const first = await signIn();
    expect(first.session.isNewDevice).toBe(true);
    const { userId, sessionId } = first.session;
    expect(world.events.of('NewDevice')).toMatchObject([
      { userId, sessionId, origin: { ipAddress: HOME, clientId: 'web' } },
    ]);
    await record();
    expect((await signIn()).session.isNewDevice).toBe(false);
    expect((await signIn({ device: PHONE })).session.isNewDevice).toBe(true);
    // The same id in another application is another device.
    expect((await signIn({ clientId: 'app' })).session.isNewDevice).toBe(true);
    expect(world.events.of('NewDevice')).toHaveLength(3);
    expect(assessed()).toEqual([]);
  });

  test('a sign-in reads the trail once, and nothing if the device is known or has no id', async () => {
    await signIn();
    expect(reads).toEqual(['trail']);
    await signIn({ isKnownDevice: true });
    await signIn({ device: { ...LAPTOP, deviceId: '' } });
    expect(reads).toEqual(['trail']);
    expect(world.events.of('NewDevice')).toHaveLength(1);
  });

  test('a refresh from another address is reported, and reads nothing', async () => {
    const { session, tokens } = await signIn();
    reads = [];
    const { refreshToken } = (await refresh(tokens.refreshToken, HOME)).tokens;
    expect(world.events.of('SessionMoved')).toEqual([]);
    await refresh(refreshToken, AWAY);
    expect(world.events.of('SessionMoved')).toMatchObject([
      { sessionId: session.sessionId, from: HOME, origin: { ipAddress: AWAY } },
    ]);
    expect(reads).toEqual([]);
  });

  test.each([
    [HOME, '10.0.0.1'],
    ['10.0.0.1', HOME],
    ['', HOME],
    [HOME, ''],
  ])('a private or unknown address is no change: %s, %s', async (before, after) => {
    const { tokens } = await signIn({ ipAddress: before });
    await refresh(tokens.refreshToken, after);
    expect(world.events.of('SessionMoved')).toEqual([]);
  });
});

describe('a rule about sign-ins', () => {
  const NEW_DEVICE = { at: 'sign-in', signals: ['new-device'] } as const;

  beforeEach(async () => {
    await signIn();
    await record();
  });

  test('that notes reports the session, which is like any other', async () => {
    enforce({ ...NEW_DEVICE, action: 'note' });
    const { session } = await signIn({ device: PHONE });
    expect(session.absoluteDeadline).toBe(session.createdAt + 30 * DAY);
    expect(assessed()).toEqual([['new-device new-platform', 'note', 'enforce']]);
    expect(world.events.of('RiskAssessed')).toMatchObject([{ sessionId: session.sessionId }]);
    expect(world.events.stored.map(({ kind }) => kind)).toEqual(['SignedIn']);
  });

  test('reports nothing if it does not apply', async () => {
    enforce({ ...NEW_DEVICE, action: 'end-all' });
    await signIn();
    await signIn({ device: PHONE, isKnownDevice: true });
    expect(assessed()).toEqual([]);
  });

  test('that shortens opens a session with earlier deadlines', async () => {
    enforce({ ...NEW_DEVICE, action: 'shorten', lifetimeMs: HOUR });
    const { session, tokens } = await signIn({ device: PHONE });
    const deadline = session.createdAt + HOUR;
    expect(session).toMatchObject({ idleDeadline: deadline, absoluteDeadline: deadline });
    expect(tokens.refreshTokenExpiresAt).toBe(deadline);
    enforce({ ...NEW_DEVICE, action: 'shorten', lifetimeMs: 60 * DAY });
    const tablet = await signIn({ device: { ...PHONE, deviceId: 'tablet' } });
    expect(tablet.session.absoluteDeadline).toBe(tablet.session.createdAt + 30 * DAY);
  });

  test('that ends the session refuses the sign-in, and has stored that before', async () => {
    const before = await world.store.list(user.userId, world.clock.now());
    enforce({ ...NEW_DEVICE, action: 'end-session' });
    expect((await failureOf(signIn({ device: PHONE }))).reason).toBe('SIGN_IN_RISK');
    expect(world.events.stored).toMatchObject([
      { kind: 'RiskAssessed', action: 'end-session', sessionId: undefined, origin: { ipAddress: HOME } },
    ]);
    expect(await world.store.list(user.userId, world.clock.now())).toEqual(before);
    world.events.failure = new Error('cut');
    await expect(signIn({ device: PHONE })).rejects.toThrow('cut');
  });

  test('that ends all refuses the sign-in, and ends every session of the user as RISK', async () => {
    enforce({ ...NEW_DEVICE, action: 'end-all' });
    expect(await outcomeOf(signIn({ device: PHONE }))).toBe('SIGN_IN_RISK');
    expect(await world.store.list(user.userId, world.clock.now())).toEqual([]);
    expect(world.events.stored).toMatchObject([
      { kind: 'RiskAssessed', action: 'end-all' },
      { kind: 'SessionEnded', reason: 'RISK', sessionId: undefined, actor: { kind: 'service' } },
    ]);
  });

  test.each<RiskRule['action']>(['shorten', 'end-session', 'end-all'])(
    'only reports in shadow mode: %s',
    async (action) => {
      enforce({ ...NEW_DEVICE, action, lifetimeMs: HOUR } as RiskRule, 'shadow');
      const { session } = await signIn({ device: PHONE });
      expect(session.absoluteDeadline).toBe(session.createdAt + 30 * DAY);
      expect(await world.store.list(user.userId, world.clock.now())).toHaveLength(2);
      expect(assessed()).toEqual([['new-device new-platform', action, 'shadow']]);
    },
  );

  test('also sees the living sessions that are not in the trail yet', async () => {
    enforce({ ...NEW_DEVICE, action: 'end-session' });
    trail.events.clear();
    expect(await outcomeOf(signIn())).toBe('ok');
    expect(await outcomeOf(signIn({ device: PHONE }))).toBe('SIGN_IN_RISK');
  });

  test('does not apply to the first sign-in of a user, nor to an account of services', async () => {
    enforce({ ...NEW_DEVICE, action: 'end-session' });
    const newcomer = world.addUser();
    expect((await signIn({}, newcomer)).session.isNewDevice).toBe(true);
    reads = [];
    const service = world.addUser({ roles: ['service'] });
    await signIn({}, service);
    expect((await signIn({ device: PHONE }, service)).session.isNewDevice).toBe(false);
    expect(reads).toEqual([]);
  });

  test('that cannot be applied because the past cannot be read makes the sign-in fail', async () => {
    enforce({ ...NEW_DEVICE, action: 'note' });
    trail.isAway = true;
    expect(await outcomeOf(signIn())).toBe('STORE_UNAVAILABLE');
    table = undefined;
    expect(await outcomeOf(signIn())).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(signIn({ isKnownDevice: true }))).toBe('ok');
  });
});

describe('a rule about refreshes', () => {
  const MOVED = { at: 'refresh', signals: ['new-country'] } as const;

  test('is compared only after the address has changed', async () => {
    const { tokens } = await signIn();
    enforce({ ...MOVED, action: 'end-session' });
    reads = [];
    await refresh(tokens.refreshToken, HOME);
    expect(reads).toEqual([]);
  });

  test('does not apply where another session of the user is', async () => {
    await signIn({ device: PHONE, ipAddress: AWAY });
    const { tokens } = await signIn();
    enforce({ ...MOVED, action: 'end-session' });
    expect(await outcomeOf(refresh(tokens.refreshToken, AWAY))).toBe('ok');
    expect(assessed()).toEqual([]);
  });

  test('that notes reports the session', async () => {
    const { session, tokens } = await signIn();
    enforce({ ...MOVED, action: 'note' });
    expect((await refresh(tokens.refreshToken, AWAY)).session.absoluteDeadline).toBe(
      session.absoluteDeadline,
    );
    expect(assessed()).toEqual([['new-network new-country', 'note', 'enforce']]);
    expect(world.events.of('RiskAssessed')).toMatchObject([{ sessionId: session.sessionId }]);
  });

  test('that shortens lowers the deadlines of the session before its tokens are issued', async () => {
    const { session, tokens } = await signIn();
    enforce({ ...MOVED, action: 'shorten', lifetimeMs: HOUR });
    world.clock.advance(HOUR);
    const refreshed = await refresh(tokens.refreshToken, AWAY);
    const deadline = world.clock.now() + HOUR;
    expect(refreshed.session).toMatchObject({ idleDeadline: deadline, absoluteDeadline: deadline });
    expect(refreshed.tokens.refreshTokenExpiresAt).toBe(deadline);
    expect(await world.store.read(user.userId, session.sessionId, world.clock.now())).toMatchObject({
      session: { absoluteDeadline: deadline },
    });
  });

  test('that ends the session answers with the reason RISK, and a repeat does too', async () => {
    const { session, tokens } = await signIn();
    const other = await signIn({ device: PHONE });
    enforce({ ...MOVED, action: 'end-session' });
    for (let call = 0; call < 2; call += 1) {
      const failure = await failureOf(refresh(tokens.refreshToken, AWAY));
      expect([failure.reason, failure.metadata]).toMatchObject(['SESSION_ENDED', { end_reason: 'RISK' }]);
    }
    const { sessionId } = session;
    expect(world.events.stored.at(-1)).toMatchObject({ kind: 'SessionEnded', reason: 'RISK', sessionId });
    await refresh(other.tokens.refreshToken, HOME);
  });

  test('that ends all ends every session of the user as RISK', async () => {
    const { tokens } = await signIn();
    const other = await signIn({ device: PHONE });
    enforce({ ...MOVED, action: 'end-all' });
    for (const { refreshToken } of [tokens, tokens, other.tokens]) {
      const { reason, metadata } = await failureOf(refresh(refreshToken, AWAY));
      expect([reason, metadata]).toMatchObject(['SESSION_ENDED', { end_reason: 'RISK' }]);
    }
  });

  test('leaves a repeated refresh to the one that it repeats', async () => {
    const { tokens } = await signIn();
    enforce({ ...MOVED, action: 'end-session' });
    await refresh(tokens.refreshToken, HOME);
    expect((await refresh(tokens.refreshToken, AWAY)).tokens.refreshToken).toBeDefined();
    expect(assessed()).toEqual([]);
  });

  test('only reports in shadow mode', async () => {
    const { session, tokens } = await signIn();
    enforce({ ...MOVED, action: 'end-all' }, 'shadow');
    const refreshed = await refresh(tokens.refreshToken, AWAY);
    expect(refreshed.session.absoluteDeadline).toBe(session.absoluteDeadline);
    expect(assessed()).toEqual([['new-network new-country', 'end-all', 'shadow']]);
  });

  test('does not apply to an account of services', async () => {
    const service = world.addUser({ roles: ['service'] });
    const { tokens } = await signIn({}, service);
    enforce({ ...MOVED, action: 'end-all' });
    expect(await outcomeOf(refresh(tokens.refreshToken, AWAY))).toBe('ok');
  });
});
