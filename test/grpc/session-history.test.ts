import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { User } from '../../src/core/user/user.ts';
import { SessionServiceClient as AdminSessionServiceClient } from '../../src/gen/latchkey/admin/v1/session.ts';
import {
  EndEvidence,
  EndedBy,
  EndReason,
  SessionServiceClient,
  SessionTimelineKind,
} from '../../src/gen/latchkey/v1/session.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { anAuditEvent } from '../support/memory-audit.ts';
import { aSession, MINUTE } from '../support/sessions.ts';
import { SessionSite } from './support/session-site.ts';
import { call } from './support/unary-call.ts';

const ALL = { pageSize: 0, pageToken: '', includeEnded: true };
const as = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } });

let clock: ManualClock;
let site: SessionSite;
let own: SessionServiceClient;
let admin: AdminSessionServiceClient;
let ada: User;
let root: { readonly token: string };

beforeEach(async () => {
  clock = new ManualClock();
  site = await SessionSite.open({}, clock);
  own = site.client(SessionServiceClient);
  admin = site.client(AdminSessionServiceClient);
  const operator = site.world.addUser({ roles: ['admin'] });
  site.world.trail.names.set(operator.userId, 'root');
  ada = site.world.addUser();
  await site.world.settle();
  root = await signIn(operator);
});

afterEach(() => site.close());

async function signIn(user = ada, deviceId = '') {
  clock.advance(1_000);
  const { session, tokens } = await site.world.open(user, { deviceId, name: deviceId, platform: 'Linux' });
  await site.world.settle();
  return { ...session, token: tokens.accessToken, refreshToken: tokens.refreshToken };
}

async function endedByRoot() {
  const session = await signIn(ada, 'laptop');
  clock.advance(MINUTE);
  const request = { userId: ada.userId, sessionId: session.sessionId };
  const { ok } = await call(admin, admin.endSession, request, as(root.token));
  expect(ok).toBeDefined();
  return { ...session, endedAt: new Date(clock.now()) };
}

describe('ListSessions with ended ones', () => {
  test('shows when, why and by whom they ended; only operators see the name of the operator', async () => {
    const mine = await signIn(ada, 'phone');
    const { sessionId, endedAt, absoluteDeadline } = await endedByRoot();
    const how = {
      sessionId,
      endReason: EndReason.ENDED_BY_ADMIN,
      endedAt,
      endedBy: EndedBy.OPERATOR,
    };
    const { ok } = await call(own, own.listSessions, ALL, as(mine.token));
    expect(ok?.sessions).toMatchObject([
      { sessionId: mine.sessionId, isCurrent: true, ended: undefined },
      {
        ...{ sessionId, userId: ada.userId, clientId: 'web', ipAddress: '192.0.2.1', isCurrent: false },
        device: { deviceId: '', name: 'laptop', platform: 'Linux' },
        ended: { ...how, operatorUsername: '' },
        absoluteDeadline: new Date(absoluteDeadline),
        idleDeadline: undefined,
      },
    ]);
    const all = await call(admin, admin.listSessions, { ...ALL, userId: ada.userId }, as(root.token));
    expect(all.ok?.sessions[1]?.ended).toEqual({ ...how, operatorUsername: 'root' });
  });

  test('pages through both, and only a request for ended ones may go on among them', async () => {
    const mine = await signIn(ada, 'phone');
    const ended = [await endedByRoot(), await endedByRoot()];
    const page = (pageToken: string, includeEnded = true) =>
      call(own, own.listSessions, { pageSize: 1, pageToken, includeEnded }, as(mine.token));
    const found: string[] = [];
    let pageToken = '';
    do {
      const { ok } = await page(pageToken);
      found.push(...(ok?.sessions ?? []).map(({ sessionId }) => sessionId));
      pageToken = ok?.nextPageToken ?? '';
      if (pageToken === '') continue;
      const refused = { code: status.INVALID_ARGUMENT, fields: ['page_token'] };
      expect(await page(pageToken, false)).toMatchObject(refused);
    } while (pageToken !== '');
    expect(found).toEqual([mine, ...ended.reverse()].map(({ sessionId }) => sessionId));
    const forged = Buffer.from(`ended:ended:${mine.sessionId}`).toString('base64url');
    expect(await page(forged)).toMatchObject({ code: status.INVALID_ARGUMENT, fields: ['page_token'] });
  });

  test('without them works while the trail is away', async () => {
    const mine = await signIn(ada, 'phone');
    site.world.trail.isAway = true;
    const living = await call(own, own.listSessions, { ...ALL, includeEnded: false }, as(mine.token));
    expect(living.ok?.sessions).toHaveLength(1);
    expect(await call(own, own.listSessions, ALL, as(mine.token))).toMatchObject({
      ...{ code: status.UNAVAILABLE, reason: 'STORE_UNAVAILABLE', metadata: { store: 'audit' } },
    });
  });
});

describe('ExplainSession', () => {
  test('tells users the life of their own session, and operators that of any by its id alone', async () => {
    const mine = await signIn(ada, 'phone');
    const { sessionId, createdAt, endedAt } = await endedByRoot();
    const { ok } = await call(own, own.explainSession, { sessionId }, as(mine.token));
    const at = new Date(createdAt);
    const ended = { at: endedAt, lastAt: endedAt, endReason: EndReason.ENDED_BY_ADMIN };
    expect(ok?.explanation).toMatchObject({
      session: { sessionId, ended: { endReason: EndReason.ENDED_BY_ADMIN, operatorUsername: '' } },
      ...{
        endEvidence: EndEvidence.RECORDED,
        endedNotBefore: endedAt,
        endedNotAfter: endedAt,
        omitsEntries: false,
      },
      entries: [
        {
          kind: SessionTimelineKind.OPENED,
          at,
          lastAt: at,
          ipAddress: '192.0.2.1',
          clientId: 'web',
          count: 1,
        },
        {
          kind: SessionTimelineKind.ENDED,
          ...ended,
          endedBy: EndedBy.OPERATOR,
          operatorUsername: '',
        },
      ],
    });
    for (const userId of ['', ada.userId]) {
      const asked = await call(admin, admin.explainSession, { sessionId, userId }, as(root.token));
      expect(asked.ok?.explanation).toMatchObject({
        session: { ended: { operatorUsername: 'root' } },
        entries: [{}, { operatorUsername: 'root' }],
      });
    }
  });

  test('tells operators what a risk rule found, and users only that there was something', async () => {
    const { sessionId, token } = await signIn(ada, 'phone');
    const details = { signals: 'new-network', action: 'note', mode: 'shadow' };
    const [userId, at] = [ada.userId, clock.now()];
    await site.world.trail.insert([
      anAuditEvent(1, { kind: 'RiskAssessed', userId, sessionId, at, lastAt: at, reason: '', details }),
    ]);
    const anomaly = { kind: SessionTimelineKind.ANOMALY, reason: 'RISK_ASSESSED' };
    const mine = await call(own, own.explainSession, { sessionId }, as(token));
    expect(mine.ok?.explanation?.entries[1]).toMatchObject({ ...anomaly, details: {} });
    const all = await call(admin, admin.explainSession, { sessionId, userId }, as(root.token));
    expect(all.ok?.explanation?.entries[1]).toMatchObject({ ...anomaly, details });
  });

  test('says of a living session that it is, and which one is the caller’s', async () => {
    const mine = await signIn(ada, 'phone');
    clock.advance(MINUTE);
    await site.world.refresh(mine.refreshToken);
    const { ok } = await call(own, own.explainSession, { sessionId: mine.sessionId }, as(mine.token));
    expect(ok?.explanation).toMatchObject({
      session: { sessionId: mine.sessionId, isCurrent: true, ended: undefined },
      ...{ endEvidence: EndEvidence.UNSPECIFIED, endedNotBefore: undefined, endedNotAfter: undefined },
      entries: [{ kind: SessionTimelineKind.OPENED }, { kind: SessionTimelineKind.REFRESHED, endReason: 0 }],
    });
  });

  test('answers alike for an unknown session and somebody else’s, and stores nothing', async () => {
    const mine = await signIn(ada, 'phone');
    const theirs = await signIn(site.world.addUser());
    const unknown = aSession(clock.now()).sessionId;
    const stored = site.world.trail.events.size;
    const outcomes = [];
    for (const sessionId of [unknown, theirs.sessionId]) {
      outcomes.push(await call(own, own.explainSession, { sessionId }, as(mine.token)));
      expect(await site.world.store.read(ada.userId, sessionId, clock.now())).toEqual({ kind: 'missing' });
    }
    expect(outcomes[0]).toMatchObject({ code: status.NOT_FOUND, reason: 'SESSION_NOT_FOUND' });
    expect(outcomes[1]).toEqual(outcomes[0]);
    const wrongUser = { sessionId: theirs.sessionId, userId: ada.userId };
    expect(await call(admin, admin.explainSession, wrongUser, as(root.token))).toEqual(outcomes[0]);
    expect(site.world.trail.events.size).toBe(stored);
  });

  test('is refused without a token, by users who are no operators, and for what is no id', async () => {
    const mine = await signIn(ada, 'phone');
    const { sessionId } = mine;
    const unauthenticated = { code: status.UNAUTHENTICATED, reason: 'CALLER_UNAUTHENTICATED' };
    expect(await call(own, own.explainSession, { sessionId })).toMatchObject(unauthenticated);
    const foreign = await call(admin, admin.explainSession, { sessionId, userId: '' }, as(mine.token));
    expect(foreign).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'CALLER_FORBIDDEN' });
    const wrong = await call(own, own.explainSession, { sessionId: 'x' }, as(mine.token));
    expect(wrong).toMatchObject({ reason: 'INVALID_FIELD', fields: ['session_id'] });
    const both = await call(admin, admin.explainSession, { sessionId: '', userId: 'x' }, as(root.token));
    expect(both).toMatchObject({ fields: ['session_id', 'user_id'] });
  });
});
