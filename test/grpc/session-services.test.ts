import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import type { User } from '../../src/core/user/user.ts';
import { SessionServiceClient as AdminSessionServiceClient } from '../../src/gen/latchkey/admin/v1/session.ts';
import { IdentityServiceClient } from '../../src/gen/latchkey/v1/identity.ts';
import { EndReason, SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSession, DAY, HOUR } from '../support/sessions.ts';
import { SessionSite } from './support/session-site.ts';
import { call } from './support/unary-call.ts';

const FIRST_PAGE = { pageSize: 0, pageToken: '', includeEnded: false };
const as = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });

let clock: ManualClock;
let log: MemoryRevocationLog;
let here: SessionSite;
let elsewhere: SessionSite;
let own: SessionServiceClient;
let admin: AdminSessionServiceClient;
let ada: User;

beforeEach(async () => {
  clock = new ManualClock();
  log = new MemoryRevocationLog(DAY);
  ({ here, elsewhere } = await SessionSite.openTwo(clock, { log }));
  own = here.client(SessionServiceClient);
  admin = here.client(AdminSessionServiceClient);
  ada = here.world.addUser();
  await settle();
});

afterEach(async () => {
  await here.close();
  await elsewhere.close();
});

async function settle(): Promise<void> {
  await here.world.settle();
  await elsewhere.world.settle(0);
}

/** Signs in, a second after the sign-in before. */
async function signIn(user = ada, deviceId = '') {
  clock.advance(1_000);
  const { session, tokens } = await here.world.open(user, { deviceId });
  await settle();
  return { ...session, token: tokens.accessToken, refreshToken: tokens.refreshToken };
}

async function signInAdmin() {
  return signIn(here.world.addUser({ roles: ['admin'] }));
}

async function verdictElsewhere(accessToken: string, atLeastRevision = '') {
  const identity = elsewhere.client(IdentityServiceClient);
  const request = { accessToken, consistency: Consistency.BOUNDED, audience: '', atLeastRevision };
  const { ok } = await call(identity, identity.validate, request);
  return ok?.verdict?.$case === 'rejection' ? ok.verdict.value.endReason : 'accepted';
}

async function listed(token: string) {
  const { ok } = await call(own, own.listSessions, FIRST_PAGE, as(token));
  return ok?.sessions.map(({ sessionId }) => sessionId);
}

/** How many entries the log has. */
async function logLength(): Promise<number> {
  return (await log.read(undefined, 0)).length;
}

describe('ListSessions', () => {
  test('shows the caller their sessions, newest first, and which one is the caller’s', async () => {
    const phone = await signIn(ada, 'phone');
    const laptop = await signIn(ada, 'laptop');
    await signIn(here.world.addUser());
    await here.world.refresh(phone.refreshToken);
    const { ok } = await call(own, own.listSessions, FIRST_PAGE, as(phone.token));
    expect(ok).toMatchObject({ nextPageToken: '', username: ada.username });
    expect(ok?.sessions).toMatchObject([
      { sessionId: laptop.sessionId, device: { deviceId: 'laptop' }, isCurrent: false },
      {
        ...{ sessionId: phone.sessionId, userId: ada.userId, isCurrent: true },
        ...{ ipAddress: '192.0.2.1', latestIpAddress: '192.0.2.2', authenticationMethods: ['pwd'] },
        lastSeenAt: new Date(clock.now()),
        idleDeadline: new Date(clock.now() + 7 * DAY),
        absoluteDeadline: new Date(phone.absoluteDeadline),
      },
    ]);
  });

  test('gives every session once in pages, also when one of them ends in between', async () => {
    const [first, second, third] = [await signIn(), await signIn(), await signIn()];
    const page = (pageSize: number, pageToken: string) =>
      call(own, own.listSessions, { ...FIRST_PAGE, pageSize, pageToken }, as(first.token));
    const { ok: newest } = await page(1, '');
    expect(newest?.sessions).toMatchObject([{ sessionId: third.sessionId }]);
    const { ok: rest } = await page(2, newest?.nextPageToken ?? '');
    expect(rest?.sessions).toMatchObject([{ sessionId: second.sessionId }, { sessionId: first.sessionId }]);
    expect(rest?.nextPageToken).toBe('');
    await call(own, own.endSession, { sessionId: third.sessionId }, as(first.token));
    expect((await page(2, newest?.nextPageToken ?? '')).ok?.sessions).toHaveLength(2);
  });

  test.each([
    ['a negative size', { pageSize: -1, pageToken: '' }, 'page_size'],
    ['a size beyond the maximum', { pageSize: 1_001, pageToken: '' }, 'page_size'],
    ['a token that is none of ours', { pageSize: 0, pageToken: 'x' }, 'page_token'],
    [
      'a token of the right form with something else in it',
      { pageSize: 0, pageToken: 'bm90LWFuLWlk' },
      'page_token',
    ],
    ['a very long token', { pageSize: 0, pageToken: 'A'.repeat(10_000) }, 'page_token'],
  ])('refuses %s as a field', async (_, page, field) => {
    const request = { ...page, includeEnded: false };
    const { token } = await signIn();
    const refused = { code: status.INVALID_ARGUMENT, reason: 'INVALID_FIELD', fields: [field] };
    expect(await call(own, own.listSessions, request, as(token))).toMatchObject(refused);
    const root = await signInAdmin();
    const asAdmin = await call(admin, admin.listSessions, { ...request, userId: ada.userId }, as(root.token));
    expect(asAdmin).toMatchObject(refused);
  });

  test('takes a page token of another user for nothing but a place among the caller’s own sessions', async () => {
    const [older, newer] = [await signIn(), await signIn()];
    const stranger = here.world.addUser();
    const theirs = [await signIn(stranger), await signIn(stranger)] as const;
    const { ok } = await call(own, own.listSessions, { ...FIRST_PAGE, pageSize: 1 }, as(theirs[0].token));
    const request = { ...FIRST_PAGE, pageToken: ok?.nextPageToken ?? '' };
    const mine = await call(own, own.listSessions, request, as(older.token));
    expect(mine.ok?.sessions.map(({ sessionId }) => sessionId)).toEqual([newer.sessionId, older.sessionId]);
  });

  test('leaves out a session that the log knows to have ended, though its record came back', async () => {
    const [kept, ended] = [await signIn(), await signIn()];
    await log.append(
      {
        ...{ kind: 'session', userId: ada.userId, sessionId: ended.sessionId, reason: 'LOGGED_OUT' },
        ...{ endedAt: clock.now(), expiresAt: clock.now() + HOUR },
      },
      clock.now(),
    );
    await settle();
    expect(await listed(kept.token)).toEqual([kept.sessionId]);
  });
});

describe('EndSession', () => {
  test('ends a session everywhere, as ended by the user, and a repeat answers the same', async () => {
    const [mine, lost] = [await signIn(), await signIn()];
    const request = { sessionId: lost.sessionId };
    const { ok } = await call(own, own.endSession, request, as(mine.token));
    expect(await verdictElsewhere(lost.token, ok?.revision)).toBe(EndReason.ENDED_BY_USER);
    expect(await verdictElsewhere(mine.token)).toBe('accepted');
    expect(await listed(mine.token)).toEqual([mine.sessionId]);
    const entries = await logLength();
    expect(await call(own, own.endSession, request, as(mine.token))).toEqual({ ok });
    expect(await logLength()).toBe(entries);
    expect(here.world.events.all).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'SessionEnded', sessionId: lost.sessionId, reason: 'ENDED_BY_USER' },
        actor: { kind: 'caller', userId: ada.userId, sessionId: mine.sessionId, clientId: 'web' },
      }),
    );
  });

  test('answers alike for an unknown id and for somebody else’s session, and writes nothing', async () => {
    const mine = await signIn();
    const theirs = await signIn(here.world.addUser());
    const entries = await logLength();
    const unknown = aSession(clock.now()).sessionId;
    const outcomes = [];
    for (const sessionId of [unknown, theirs.sessionId]) {
      outcomes.push(await call(own, own.endSession, { sessionId }, as(mine.token)));
      expect(await here.world.store.read(ada.userId, sessionId, clock.now())).toEqual({ kind: 'missing' });
    }
    expect(outcomes[0]).toMatchObject({ code: status.NOT_FOUND, reason: 'SESSION_NOT_FOUND', metadata: {} });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(await logLength()).toBe(entries);
    expect(await verdictElsewhere(theirs.token)).toBe('accepted');
  });

  test.each(['', 'x', '019b7760-0000-7000-8000-00000000000G', '019B7760-0000-7000-8000-000000000001'])(
    'refuses what is no id as a field: %j',
    async (sessionId) => {
      const { token } = await signIn();
      const refused = { reason: 'INVALID_FIELD', fields: ['session_id'] };
      expect(await call(own, own.endSession, { sessionId }, as(token))).toMatchObject(refused);
    },
  );

  test('may end the caller’s own session, whose token is refused from then on', async () => {
    const { token, sessionId } = await signIn();
    const { ok } = await call(own, own.endSession, { sessionId }, as(token));
    expect(await verdictElsewhere(token, ok?.revision)).toBe(EndReason.ENDED_BY_USER);
    await settle();
    expect(await call(own, own.endSession, { sessionId }, as(token))).toMatchObject({
      code: status.UNAUTHENTICATED,
      reason: 'CALLER_UNAUTHENTICATED',
    });
  });

  test('is not acknowledged until the log has it, and a repeat completes it', async () => {
    const [mine, lost] = [await signIn(), await signIn()];
    const append = log.append.bind(log);
    log.append = () => Promise.reject(new Error('the log is away'));
    const request = { sessionId: lost.sessionId };
    expect(await call(own, own.endSession, request, as(mine.token))).not.toHaveProperty('ok');
    log.append = append;
    const { ok } = await call(own, own.endSession, request, as(mine.token));
    expect(await verdictElsewhere(lost.token, ok?.revision)).toBe(EndReason.ENDED_BY_USER);
  });
});

describe('EndOtherSessions', () => {
  test('ends all but the caller’s session, everywhere, and says how many', async () => {
    const [first, mine, third] = [await signIn(), await signIn(), await signIn()];
    const stranger = await signIn(here.world.addUser());
    const { ok } = await call(own, own.endOtherSessions, {}, as(mine.token));
    expect(ok?.endedCount).toBe(2);
    for (const { token } of [first, third]) {
      expect(await verdictElsewhere(token, ok?.revision)).toBe(EndReason.ENDED_BY_USER);
    }
    for (const { token } of [mine, stranger]) expect(await verdictElsewhere(token)).toBe('accepted');
    expect(await listed(mine.token)).toEqual([mine.sessionId]);
    expect(await call(own, own.endOtherSessions, {}, as(mine.token))).toEqual({
      ok: { endedCount: 0, revision: '' },
    });
    const later = await signIn();
    expect(await listed(mine.token)).toEqual([later.sessionId, mine.sessionId]);
  });

  test('is not acknowledged until the log has every end, and a repeat completes those that failed', async () => {
    const [first, mine, third] = [await signIn(), await signIn(), await signIn()];
    const append = log.append.bind(log);
    let left = 1;
    log.append = (...given) => (left-- > 0 ? append(...given) : Promise.reject(new Error('the log is away')));
    expect(await call(own, own.endOtherSessions, {}, as(mine.token))).not.toHaveProperty('ok');
    log.append = append;
    const { ok } = await call(own, own.endOtherSessions, {}, as(mine.token));
    expect(ok?.endedCount).toBe(1);
    for (const { token } of [first, third]) {
      expect(await verdictElsewhere(token, ok?.revision)).toBe(EndReason.ENDED_BY_USER);
    }
  });
});

describe('callers of SessionService', () => {
  const EXPECTED = { code: status.UNAUTHENTICATED, reason: 'CALLER_UNAUTHENTICATED' };
  const everyRpc = (options: Parameters<typeof call>[3]) =>
    Promise.all([
      call(own, own.listSessions, FIRST_PAGE, options),
      call(own, own.endSession, { sessionId: ada.userId }, options),
      call(own, own.endOtherSessions, {}, options),
    ]);

  test('present a token that is good', async () => {
    const expired = await signIn();
    clock.advance(HOUR);
    await settle();
    const ended = await signIn();
    await here.world.sessions.logoutByAccessToken(ended.token);
    await settle();
    const options = [{}, as('x'), as(ended.refreshToken), as(expired.token), as(ended.token)];
    for (const each of options) {
      for (const outcome of await everyRpc(each)) expect(outcome).toMatchObject(EXPECTED);
    }
  });

  test('may have any role or none, and see and end their own sessions only', async () => {
    const { sessionId } = await signIn();
    for (const role of ['service', 'front', 'admin']) {
      const user = here.world.addUser({ roles: [role] });
      const theirs = await signIn(user);
      expect(await listed(theirs.token)).toEqual([theirs.sessionId]);
      const outcome = await call(own, own.endSession, { sessionId }, as(theirs.token));
      expect(outcome).toMatchObject({ reason: 'SESSION_NOT_FOUND' });
    }
  });
});

describe('admin.SessionService', () => {
  test('lists and ends the sessions of anybody, as ended by an administrator', async () => {
    const root = await signInAdmin();
    const [first, second] = [await signIn(), await signIn()];
    const { userId } = ada;
    const { ok: page } = await call(admin, admin.listSessions, { userId, ...FIRST_PAGE }, as(root.token));
    expect(page?.sessions).toMatchObject([
      { sessionId: second.sessionId, userId, isCurrent: false },
      { sessionId: first.sessionId, userId, isCurrent: false },
    ]);
    const request = { userId, sessionId: first.sessionId };
    const { ok } = await call(admin, admin.endSession, request, as(root.token));
    expect(await verdictElsewhere(first.token, ok?.revision)).toBe(EndReason.ENDED_BY_ADMIN);
    expect(await call(admin, admin.endSession, request, as(root.token))).toEqual({ ok });
    expect(await verdictElsewhere(second.token)).toBe('accepted');
    const { ok: all } = await call(admin, admin.endAllSessions, { userId }, as(root.token));
    expect(await verdictElsewhere(second.token, all?.revision)).toBe(EndReason.ENDED_BY_ADMIN);
    expect(await verdictElsewhere(root.token)).toBe('accepted');
    const again = await signIn();
    expect(await verdictElsewhere(again.token)).toBe('accepted');
  });

  test('finds no session of the named user that belongs to another one, and writes nothing', async () => {
    const root = await signInAdmin();
    const { sessionId } = await signIn();
    const entries = await logLength();
    const nobody = aSession(clock.now()).userId;
    for (const userId of [root.userId, nobody]) {
      const outcome = await call(admin, admin.endSession, { userId, sessionId }, as(root.token));
      expect(outcome).toMatchObject({ code: status.NOT_FOUND, reason: 'SESSION_NOT_FOUND' });
    }
    const all = await call(admin, admin.endAllSessions, { userId: nobody }, as(root.token));
    expect(all).toMatchObject({ code: status.NOT_FOUND, reason: 'USER_NOT_FOUND' });
    const list = await call(admin, admin.listSessions, { userId: nobody, ...FIRST_PAGE }, as(root.token));
    expect(list.ok?.sessions).toEqual([]);
    expect(await logLength()).toBe(entries);
  });

  test('names both ids where both are wrong', async () => {
    const root = await signInAdmin();
    const outcome = await call(admin, admin.endSession, { userId: 'x', sessionId: '' }, as(root.token));
    expect(outcome).toMatchObject({ reason: 'INVALID_FIELD', fields: ['user_id', 'session_id'] });
  });

  test('is for administrators, by the roles they have now', async () => {
    const user = here.world.addUser({ roles: ['admin', 'service'] });
    const former = await signIn(user);
    here.world.changeUser(user, { roles: ['service'] });
    const { sessionId } = await signIn();
    for (const outcome of [
      await call(admin, admin.listSessions, { userId: ada.userId, ...FIRST_PAGE }, as(former.token)),
      await call(admin, admin.endSession, { userId: ada.userId, sessionId }, as(former.token)),
      await call(admin, admin.endAllSessions, { userId: ada.userId }, as(former.token)),
    ]) {
      expect(outcome).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'CALLER_FORBIDDEN' });
    }
  });
});
