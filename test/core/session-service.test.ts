import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import { storeUnavailable } from '../../src/core/failure.ts';
import type { User } from '../../src/core/user/user.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY, HOUR, MINUTE } from '../support/sessions.ts';
import { UncertainLog } from '../support/uncertain-log.ts';

const BOUNDED: Requirements = { consistency: 'BOUNDED' };
const STRONG: Requirements = { consistency: 'STRONG' };

class UncertainStore extends MemorySessionStore {
  broken = false;

  override async read(...given: Parameters<MemorySessionStore['read']>) {
    if (this.broken) throw storeUnavailable('sessions', new Error('cut'));
    return super.read(...given);
  }
}

describe('sessions', () => {
  let clock: ManualClock;
  let log: UncertainLog;
  let store: UncertainStore;
  let world: SessionWorld;
  let user: User;

  beforeEach(async () => {
    clock = new ManualClock();
    log = new UncertainLog(DAY);
    store = new UncertainStore(clock);
    world = await SessionWorld.open({ log, store }, clock);
    await world.settle();
    user = world.addUser();
  });

  afterEach(() => world.close());

  const validate = async (token: string, requirements: Requirements = BOUNDED) =>
    (await world.tokens.validate(token, requirements)).verdict;

  describe('opening', () => {
    test('returns tokens with both deadlines, and the access token is valid', async () => {
      const { session, tokens, replaced } = await world.open(user);
      expect(session).toMatchObject({
        userId: user.userId,
        idleDeadline: clock.now() + 7 * DAY,
        absoluteDeadline: clock.now() + 30 * DAY,
      });
      expect(tokens).toMatchObject({
        accessTokenExpiresAt: clock.now() + 15 * MINUTE,
        refreshTokenExpiresAt: session.idleDeadline,
      });
      expect(replaced).toEqual([]);
      expect(await validate(tokens.accessToken)).toMatchObject({
        kind: 'accepted',
        claims: { userId: user.userId, sessionId: session.sessionId, roles: ['reader'] },
      });
    });

    test('ends the session that it replaces, everywhere', async () => {
      const first = await world.open(user, { deviceId: 'phone' });
      const second = await world.open(user, { deviceId: 'phone' });
      expect(second.replaced).toMatchObject([{ sessionId: first.session.sessionId, reason: 'REPLACED' }]);
      await eventually(() => world.follower.size === 1);
      expect(await validate(first.tokens.accessToken)).toMatchObject({ endReason: 'REPLACED' });
      expect(await validate(second.tokens.accessToken)).toMatchObject({ kind: 'accepted' });
      await expect(world.refresh(first.tokens.refreshToken)).rejects.toMatchObject({
        reason: 'SESSION_ENDED',
        metadata: { end_reason: 'REPLACED' },
      });
    });

    test('refuses a user whose sessions have ended since the record was read', async () => {
      const changed = world.changeUser(user, { securityVersion: 2 });
      await world.ender.endUser(user.userId, 2, 'PASSWORD_CHANGED', ADMIN_ACTOR);
      await expect(world.open(user)).rejects.toMatchObject({ reason: 'INVALID_CREDENTIALS' });
      const { session, tokens } = await world.open(changed);
      expect(session.createdAt).toBeGreaterThan(clock.now() - 1);
      await eventually(() => world.follower.size === 1);
      expect(await validate(tokens.accessToken)).toMatchObject({ kind: 'accepted' });
    });
  });

  test('publishes what happens to a session, and who caused it', async () => {
    const { session, tokens } = await world.open(user);
    const { userId, sessionId } = session;
    await world.refresh(tokens.refreshToken);
    await world.refresh(tokens.refreshToken);
    await world.ender.end(userId, sessionId, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
    await world.ender.end(userId, sessionId, 'LOGGED_OUT', ADMIN_ACTOR);
    await world.ender.endUser(userId, 2, 'USER_DISABLED', ADMIN_ACTOR);
    const holder = { kind: 'caller', userId, sessionId, clientId: 'web' };
    expect(world.events.all).toEqual([
      expect.objectContaining({ kind: 'SignedIn', sessionId, actor: { kind: 'credentials' } }),
      expect.objectContaining({ kind: 'Refreshed', sessionId, actor: holder }),
      expect.objectContaining({ kind: 'RefreshReplayed', sessionId, actor: holder }),
      expect.objectContaining({
        kind: 'SessionEnded',
        sessionId,
        reason: 'ENDED_BY_ADMIN',
        actor: ADMIN_ACTOR,
      }),
      expect.objectContaining({ kind: 'SessionEnded', sessionId: undefined, reason: 'USER_DISABLED' }),
    ]);
    const origins = world.events.all
      .map((event) => ('origin' in event ? event.origin.ipAddress : ''))
      .slice(0, 3);
    expect(origins).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.2']);
  });

  describe('refreshing', () => {
    test('rotates the refresh token, moves the idle deadline and reads the roles again', async () => {
      const { tokens } = await world.open(user);
      world.changeUser(user, { roles: ['writer'] });
      clock.advance(MINUTE);
      const refreshed = await world.refresh(tokens.refreshToken);
      expect(refreshed.tokens.refreshToken).not.toBe(tokens.refreshToken);
      expect(refreshed.session.idleDeadline).toBe(clock.now() + 7 * DAY);
      expect(await validate(refreshed.tokens.accessToken)).toMatchObject({ claims: { roles: ['writer'] } });
    });

    test.each([
      ['the password was changed', 'PASSWORD_CHANGED', true],
      ['the user was disabled and enabled again', 'USER_DISABLED', false],
    ])('refuses a session that a restored store brought back, if %s', async (_, reason, isNewPassword) => {
      const { session, tokens } = await world.open(user);
      clock.advance(MINUTE);
      const passwordChangedAt = isNewPassword ? clock.now() : user.passwordChangedAt - 1;
      const changed = world.changeUser(user, { securityVersion: 2, passwordChangedAt });
      await expect(world.refresh(tokens.refreshToken)).rejects.toMatchObject({
        ...{ reason: 'SESSION_ENDED', metadata: { end_reason: reason } },
      });
      await world.settle();
      expect(world.follower.endReasonOf(user.userId, session.sessionId, session.createdAt)).toBe(reason);
      const again = await world.open(changed);
      expect(await outcomeOf(world.refresh(again.tokens.refreshToken))).toBe('ok');
    });

    test('refuses another client, and the session stays live', async () => {
      const { tokens } = await world.open(user);
      await expect(world.refresh(tokens.refreshToken, 'app')).rejects.toMatchObject({
        reason: 'INVALID_REFRESH_TOKEN',
        message: 'This refresh token was issued to another client.',
      });
      expect(await outcomeOf(world.refresh(tokens.refreshToken, 'web'))).toBe('ok');
    });

    test('returns the same refresh token and a new access token if a response was lost or a second tab refreshes', async () => {
      const { tokens } = await world.open(user);
      const answers = await Promise.all(Array.from({ length: 20 }, () => world.refresh(tokens.refreshToken)));
      expect(new Set(answers.map((answer) => answer.tokens.refreshToken)).size).toBe(1);
      clock.advance(29_999);
      const late = await world.refresh(tokens.refreshToken);
      expect(late.tokens.refreshToken).toBe(answers[0]?.tokens.refreshToken);
      expect(new Set([...answers, late].map((answer) => answer.tokens.accessToken)).size).toBe(21);
    });

    test('ends the session and its access token when an old refresh token is used again', async () => {
      const opened = await world.open(user);
      const refreshed = await world.refresh(opened.tokens.refreshToken);
      clock.advance(30_001);
      await expect(world.refresh(opened.tokens.refreshToken)).rejects.toMatchObject({
        reason: 'SESSION_ENDED',
        metadata: { end_reason: 'REFRESH_TOKEN_REUSED' },
      });
      await eventually(() => world.follower.size === 1);
      expect(await validate(refreshed.tokens.accessToken)).toMatchObject({
        endReason: 'REFRESH_TOKEN_REUSED',
      });
      await expect(world.refresh(refreshed.tokens.refreshToken)).rejects.toMatchObject({
        metadata: { end_reason: 'REFRESH_TOKEN_REUSED' },
      });
    });

    test('does not report the end of a stolen session before it is logged', async () => {
      const opened = await world.open(user);
      await world.refresh(opened.tokens.refreshToken);
      clock.advance(30_001);
      log.broken = true;
      const again = () => world.refresh(opened.tokens.refreshToken);
      await expect(again()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
      log.broken = false;
      await expect(again()).rejects.toMatchObject({ metadata: { end_reason: 'REFRESH_TOKEN_REUSED' } });
      expect(log.appended).toBe(1);
      await expect(again()).rejects.toMatchObject({ reason: 'SESSION_ENDED' });
      expect(log.appended).toBe(1);
    });

    test.each([
      ['disabled', 'USER_DISABLED'],
      ['deleted', 'USER_DELETED'],
    ])('refuses a %s user whatever the session store returns, and ends the session', async (what, reason) => {
      const { tokens } = await world.open(user);
      if (what === 'deleted') world.users.delete(user.userId);
      else world.changeUser(user, { disabledAt: clock.now() });
      await expect(world.refresh(tokens.refreshToken)).rejects.toMatchObject({
        reason: 'SESSION_ENDED',
        metadata: { end_reason: reason },
      });
      await eventually(() => world.follower.size === 1);
      expect(await validate(tokens.accessToken)).toMatchObject({ endReason: reason });
    });

    test('refuses a session whose end is logged, even if its record is live, and ends the record', async () => {
      const { session, tokens } = await world.open(user);
      const { userId, sessionId } = session;
      const endedAt = clock.now();
      const entry = {
        kind: 'session',
        userId,
        sessionId,
        reason: 'RISK',
        endedAt,
        expiresAt: endedAt + DAY,
      } as const;
      await log.append(entry, endedAt);
      await eventually(() => world.follower.size === 1);
      await expect(world.refresh(tokens.refreshToken)).rejects.toMatchObject({
        metadata: { end_reason: 'RISK' },
      });
      expect(await store.read(userId, sessionId, clock.now())).toMatchObject({ kind: 'ended' });
    });

    test('issues tokens as of the time before the store call, however long that takes', async () => {
      const { tokens } = await world.open(user);
      const asked = clock.now();
      const slow = jest.spyOn(store, 'rotate').mockImplementationOnce(async (request) => {
        clock.advance(MINUTE);
        return store.rotate(request);
      });
      const refreshed = await world.refresh(tokens.refreshToken);
      expect(slow).toHaveBeenCalledTimes(2);
      expect(refreshed.tokens.accessTokenExpiresAt).toBe(asked + 15 * MINUTE);
    });

    test('refuses a forged refresh token without a store call', async () => {
      world.users.clear();
      await expect(world.refresh('lkr_forged')).rejects.toMatchObject({
        reason: 'INVALID_REFRESH_TOKEN',
      });
    });

    test('never issues an access token that outlives the session', async () => {
      let { tokens } = await world.open(user);
      for (let day = 0; day < 30; day += 5) {
        ({ tokens } = await world.refresh(tokens.refreshToken));
        clock.advance(5 * DAY - (day === 25 ? MINUTE : 0));
      }
      const last = await world.refresh(tokens.refreshToken);
      expect(last.tokens.accessTokenExpiresAt).toBe(last.session.absoluteDeadline);
      expect(last.tokens.refreshTokenExpiresAt).toBe(last.session.absoluteDeadline);
      clock.advance(MINUTE);
      await expect(world.refresh(last.tokens.refreshToken)).rejects.toMatchObject({
        metadata: { end_reason: 'MAX_LIFETIME' },
      });
    });
  });

  describe('logging out', () => {
    test('takes effect at the returned revision, with either token, and can be repeated', async () => {
      for (const by of ['refresh', 'access'] as const) {
        const { tokens } = await world.open(user);
        const logout = () =>
          by === 'refresh'
            ? world.sessions.logoutByRefreshToken(tokens.refreshToken)
            : world.sessions.logoutByAccessToken(tokens.accessToken);
        const { revision } = await logout();
        expect(await validate(tokens.accessToken, { ...BOUNDED, atLeastRevision: revision })).toMatchObject({
          reason: 'SESSION_ENDED',
          endReason: 'LOGGED_OUT',
          nextStep: 'LOGIN',
        });
        expect(await logout()).toEqual({ revision });
      }
      expect(log.appended).toBe(2);
    });

    test('works with a rotated refresh token and with an expired access token', async () => {
      const first = await world.open(user);
      await world.refresh(first.tokens.refreshToken);
      await world.sessions.logoutByRefreshToken(first.tokens.refreshToken);
      const second = await world.open(user);
      clock.advance(HOUR);
      await world.sessions.logoutByAccessToken(second.tokens.accessToken);
      for (const { tokens } of [first, second]) {
        await expect(world.refresh(tokens.refreshToken)).rejects.toMatchObject({
          metadata: { end_reason: 'LOGGED_OUT' },
        });
      }
    });

    test('is not acknowledged before it is logged, and can be repeated until then', async () => {
      const { tokens } = await world.open(user);
      log.broken = true;
      const logout = () => world.sessions.logoutByRefreshToken(tokens.refreshToken);
      await expect(logout()).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
      log.broken = false;
      const { revision } = await logout();
      await eventually(() => world.follower.revision === revision);
      expect(await validate(tokens.accessToken)).toMatchObject({ reason: 'SESSION_ENDED' });
    });

    test('refuses tokens that latchkey did not issue', async () => {
      await expect(world.sessions.logoutByRefreshToken('lkr_x')).rejects.toMatchObject({
        reason: 'INVALID_REFRESH_TOKEN',
      });
      await expect(world.sessions.logoutByAccessToken('x.y.z')).rejects.toMatchObject({
        reason: 'INVALID_ACCESS_TOKEN',
      });
    });
  });

  describe('validating', () => {
    test('reads the record if the log is stale, and states as_of', async () => {
      const { tokens } = await world.open(user);
      await world.follower.close();
      clock.advance(6_000);
      expect(await world.tokens.validate(tokens.accessToken, BOUNDED)).toMatchObject({
        verdict: { kind: 'accepted' },
        asOf: clock.now(),
      });
      await store.end({ ...(await ended(tokens.accessToken)), tombstoneTtlMs: DAY, now: clock.now() });
      expect(await validate(tokens.accessToken)).toMatchObject({ endReason: 'RISK' });
    });

    test('gives no verdict if the log is stale and the record cannot be read', async () => {
      const { tokens } = await world.open(user);
      await validate(tokens.accessToken);
      await world.follower.close();
      clock.advance(6_000);
      store.broken = true;
      await expect(validate(tokens.accessToken)).rejects.toMatchObject({ reason: 'STORE_UNAVAILABLE' });
      await expect(validate(tokens.accessToken, STRONG)).rejects.toMatchObject({
        reason: 'STORE_UNAVAILABLE',
      });
    });

    test('with STRONG sees an ended record before its end is logged', async () => {
      const { tokens, session } = await world.open(user);
      expect(await validate(tokens.accessToken, STRONG)).toMatchObject({ kind: 'accepted' });
      await store.end({ ...session, reason: 'RISK', tombstoneTtlMs: DAY, now: clock.now() });
      expect(await validate(tokens.accessToken, STRONG)).toMatchObject({ endReason: 'RISK' });
    });

    test('with STRONG checks the deadlines of the record too', async () => {
      const { session, tokens } = await world.open(user);
      clock.advance(7 * DAY - MINUTE);
      const late = await world.key.sign(claimsOf(tokens.accessToken, clock.now()));
      await world.settle(MINUTE);
      expect(await validate(late)).toMatchObject({ kind: 'accepted' });
      expect(await validate(late, STRONG)).toMatchObject({ reason: 'SESSION_ENDED', endReason: 'IDLE' });
      expect(session.idleDeadline).toBe(clock.now());
    });

    test('accepts a token from before the log only if its record is live', async () => {
      const { tokens } = await world.open(user);
      clock.advance(MINUTE);
      const { key } = world;
      const sameRecords = await SessionWorld.open({ key, store }, clock);
      const wiped = await SessionWorld.open({ key }, clock);
      expect((await wiped.tokens.validate(tokens.accessToken, BOUNDED)).verdict).toMatchObject({
        reason: 'SESSION_ENDED',
        endReason: 'UNSPECIFIED',
        nextStep: 'LOGIN',
      });
      await sameRecords.settle();
      expect((await sameRecords.tokens.validate(tokens.accessToken, BOUNDED)).verdict.kind).toBe('accepted');
      store.broken = true;
      expect((await sameRecords.tokens.validate(tokens.accessToken, BOUNDED)).verdict.kind).toBe('accepted');
      await Promise.all([sameRecords.close(), wiped.close()]);
    });
  });

  async function ended(accessToken: string) {
    const verdict = await validate(accessToken);
    if (verdict.kind !== 'accepted') throw new Error('expected a good token');
    const { userId, sessionId } = verdict.claims;
    return { userId, sessionId, reason: 'RISK' as const };
  }
});

function claimsOf(token: string, issuedAt: number): Record<string, unknown> {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
  return { ...claims, iat: Math.floor(issuedAt / 1000), exp: Math.floor(issuedAt / 1000) + 900 };
}
