import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { Actor } from '../../src/core/audit/security-event.ts';
import { Failure } from '../../src/core/failure.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import type { User } from '../../src/core/user/user.ts';
import { SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import type { SessionWorld } from '../support/session-world.ts';
import { DAY, MINUTE } from '../support/sessions.ts';
import { claimsAt } from '../support/test-keys.ts';
import { SessionSite } from './support/session-site.ts';
import { SessionWatchCall } from './support/session-watch-call.ts';

const OPERATOR: Actor = { kind: 'operator' };
const SECOND = { seconds: 1, nanos: 0 };

let server: RedisServer;
let redis: RedisStores;
let clock: ManualClock;
let site: SessionSite;
let world: SessionWorld;
let ada: User;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = await RedisStores.open(singleRedis(server.port));
});

afterAll(async () => {
  redis.close();
  await server.stop();
});

const STORES: Readonly<Record<string, () => SessionStore>> = {
  memory: () => new MemorySessionStore(clock),
  Redis: () => redis.sessions,
};

async function open(store: string): Promise<void> {
  clock = new ManualClock();
  site = await SessionSite.open({ store: STORES[store]?.() ?? redis.sessions }, clock);
  ({ world } = site);
  ada = world.addUser();
  await world.settle();
}

afterEach(() => site.close());

async function signIn(deviceId = '') {
  clock.advance(1_000);
  const { session, tokens } = await world.open(ada, { deviceId });
  await world.settle();
  return { ...session, ...tokens };
}

type SignedIn = Awaited<ReturnType<typeof signIn>>;

/** Raises the security version, as UserService does before it ends the sessions. */
async function endUser(reason: 'PASSWORD_CHANGED' | 'USER_DISABLED' | 'USER_DELETED'): Promise<void> {
  const at = clock.now();
  ada = world.changeUser(ada, {
    ...{ securityVersion: ada.securityVersion + 1 },
    ...(reason === 'PASSWORD_CHANGED' && { passwordChangedAt: at }),
    ...(reason === 'USER_DISABLED' && { disabledAt: at }),
  });
  if (reason === 'USER_DELETED') world.users.delete(ada.userId);
  await world.ender.endUser(ada.userId, ada.securityVersion, reason, OPERATOR);
}

async function reasonOfRefresh(refreshToken: string): Promise<string | undefined> {
  try {
    await world.refresh(refreshToken);
    return undefined;
  } catch (error) {
    return error instanceof Failure ? error.metadata['end_reason'] : undefined;
  }
}

async function reasonOfValidate(accessToken: string, consistency: 'BOUNDED' | 'STRONG') {
  const { verdict } = await world.tokens.validate(accessToken, { consistency });
  return verdict.kind === 'rejected' ? verdict.endReason : undefined;
}

/** Ends the record of a session, but the log does not take it. */
async function interruptedEnd({ refreshToken }: SignedIn): Promise<void> {
  const append = jest.spyOn(world.log, 'append').mockRejectedValueOnce(new Error('the log is away'));
  await expect(world.sessions.logoutByRefreshToken(refreshToken)).rejects.toThrow('the log is away');
  append.mockRestore();
}

/** The reason in the list of ended sessions, and in the explanation. */
async function reasonsInHistory({ userId, sessionId }: Pick<SignedIn, 'userId' | 'sessionId'>) {
  const { sessions, ended } = await world.history.list(userId, 100);
  const { subject, entries } = await world.history.explain(sessionId, userId);
  expect(sessions.map((session) => session.sessionId)).not.toContain(sessionId);
  return [
    ended.find((session) => session.sessionId === sessionId)?.end.reason,
    subject.kind === 'ended' ? subject.session.end.reason : 'living',
    entries.find(({ kind }) => kind === 'ENDED')?.end?.reason,
  ];
}

const ENDS: Readonly<
  Record<string, readonly [reason: string, how: (session: SignedIn) => Promise<unknown>]>
> = {
  'a sign-out with the access token': [
    'LOGGED_OUT',
    ({ accessToken }) => world.sessions.logoutByAccessToken(accessToken),
  ],
  'a sign-out with the refresh token': [
    'LOGGED_OUT',
    ({ refreshToken }) => world.sessions.logoutByRefreshToken(refreshToken),
  ],
  'a sign-in on the same device': ['REPLACED', () => signIn('phone')],
  'a sign-in beyond the session limit': [
    'REPLACED',
    async () => {
      for (let count = 0; count < 3; count += 1) await signIn();
    },
  ],
  'an end from another session': [
    'ENDED_BY_USER',
    ({ userId, sessionId }) => world.control.end(userId, sessionId, 'ENDED_BY_USER', OPERATOR),
  ],
  'the end of all other sessions': [
    'ENDED_BY_USER',
    async ({ userId }) => world.control.endOthers(userId, (await signIn()).sessionId, OPERATOR),
  ],
  'an end by an operator': [
    'ENDED_BY_ADMIN',
    ({ userId, sessionId }) => world.control.end(userId, sessionId, 'ENDED_BY_ADMIN', OPERATOR),
  ],
  'the end of all sessions by an operator': [
    'ENDED_BY_ADMIN',
    ({ userId }) => world.control.endAll(userId, OPERATOR),
  ],
  'a stolen refresh token': [
    'REFRESH_TOKEN_REUSED',
    async ({ refreshToken }) => {
      await world.refresh((await world.refresh(refreshToken)).tokens.refreshToken);
      clock.advance(MINUTE);
      expect(await reasonOfRefresh(refreshToken)).toBe('REFRESH_TOKEN_REUSED');
    },
  ],
  'a refresh after Redis was restored from a backup': [
    'PASSWORD_CHANGED',
    async ({ refreshToken }) => {
      const { securityVersion } = ada;
      ada = world.changeUser(ada, { securityVersion: securityVersion + 1, passwordChangedAt: clock.now() });
      expect(await reasonOfRefresh(refreshToken)).toBe('PASSWORD_CHANGED');
    },
  ],
  'a changed password': ['PASSWORD_CHANGED', () => endUser('PASSWORD_CHANGED')],
  'a disabled user': ['USER_DISABLED', () => endUser('USER_DISABLED')],
  'a deleted user': ['USER_DELETED', () => endUser('USER_DELETED')],
  'a sign-out that was interrupted, and then the end of all sessions': [
    'LOGGED_OUT',
    async (session) => {
      await interruptedEnd(session);
      await endUser('PASSWORD_CHANGED');
    },
  ],
};

describe.each(Object.keys(STORES))('with sessions in %s', (store) => {
  beforeEach(() => open(store));

  test.each(Object.entries(ENDS))(
    'after %s, watch, Validate, Refresh, list and explanation give the same reason, whichever is asked first',
    async (_, [reason, how]) => {
      const session = await signIn('phone');
      const client = site.client(SessionServiceClient);
      const stream = await new SessionWatchCall(client, session.accessToken, SECOND).alive();
      await how(session);
      expect(await stream.endReason()).toBe(reason);
      expect(await reasonsInHistory(session)).toEqual([reason, reason, reason]);
      expect(await reasonOfValidate(session.accessToken, 'BOUNDED')).toBe(reason);
      expect(await reasonOfValidate(session.accessToken, 'STRONG')).toBe(reason);
      expect(await new SessionWatchCall(client, session.accessToken, SECOND).endReason()).toBe(reason);
      expect(await reasonOfRefresh(session.refreshToken)).toBe(reason);
      expect(await new SessionWatchCall(client, session.accessToken, SECOND).endReason()).toBe(reason);
      // The tombstone is gone.
      clock.advance(2 * DAY);
      expect(await reasonsInHistory(session)).toEqual([reason, reason, reason]);
    },
  );

  /** Whoever comes after a deadline. */
  const LATER: Readonly<Record<string, (session: Omit<SignedIn, 'accessToken'>) => Promise<unknown>>> = {
    nobody: async () => undefined,
    'a sign-out': ({ refreshToken }) => world.sessions.logoutByRefreshToken(refreshToken),
    'a user who ends it': ({ userId, sessionId }) =>
      world.control.end(userId, sessionId, 'ENDED_BY_USER', OPERATOR),
    'a user who ends all others': async ({ userId }) =>
      world.control.endOthers(userId, (await signIn()).sessionId, OPERATOR),
    'an operator who ends it': ({ userId, sessionId }) =>
      world.ender.end(userId, sessionId, 'ENDED_BY_ADMIN', OPERATOR),
    'an operator who ends all': ({ userId }) => world.control.endAll(userId, OPERATOR),
    'a sign-in': () => signIn('phone'),
    'a disabled user': () => endUser('USER_DISABLED'),
  };

  /** Those of `LATER` that log one entry for all sessions of the user. */
  const CUT_OFFS = new Set(['an operator who ends all', 'a disabled user']);

  describe.each([
    ['IDLE', 0],
    ['MAX_LIFETIME', 4],
  ])('after %s', (reason, refreshes) => {
    test.each(Object.entries(LATER))(
      'and then %s, they give the deadline as the reason',
      async (who, comesLater) => {
        const signedIn = await signIn('phone');
        const { userId, sessionId } = signedIn;
        let { refreshToken, idleDeadline } = signedIn;
        for (let count = 0; count < refreshes; count += 1) {
          clock.advance(6 * DAY);
          const { session, tokens } = await world.refresh(refreshToken);
          ({ refreshToken, idleDeadline } = { ...session, ...tokens });
        }
        clock.advance(idleDeadline - clock.now() - MINUTE);
        await world.settle(0);
        // Of a longer life than the session has left, so that the verdict is about the session.
        const accessToken = await world.key.sign(claimsAt(clock.now(), { sub: userId, sid: sessionId }));
        const client = site.client(SessionServiceClient);
        const stream = await new SessionWatchCall(client, accessToken, SECOND).alive();
        await world.settle(MINUTE);
        await comesLater({ ...signedIn, refreshToken });
        await world.settle(0);
        expect(await stream.endReason()).toBe(reason);
        expect(await reasonsInHistory(signedIn)).toEqual([reason, reason, reason]);
        // No token that was issued outlives its session, so none is ever compared with the cut-off.
        const validated = () => (CUT_OFFS.has(who) ? reason : reasonOfValidate(accessToken, 'STRONG'));
        expect(await validated()).toBe(reason);
        expect(await reasonOfRefresh(refreshToken)).toBe(reason);
        expect(await validated()).toBe(reason);
        expect(await new SessionWatchCall(client, accessToken, SECOND).endReason()).toBe(reason);
      },
    );
  });
});
