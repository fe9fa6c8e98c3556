import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Actor } from '../../src/core/audit/security-event.ts';
import { Failure } from '../../src/core/failure.ts';
import type { User } from '../../src/core/user/user.ts';
import { SessionServiceClient } from '../../src/gen/latchkey/v1/session.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { SessionWorld } from '../support/session-world.ts';
import { DAY, MINUTE } from '../support/sessions.ts';
import { claimsAt } from '../support/test-keys.ts';
import { SessionSite } from './support/session-site.ts';
import { SessionWatchCall } from './support/session-watch-call.ts';

const OPERATOR: Actor = { kind: 'operator' };
const SECOND = { seconds: 1, nanos: 0 };

let clock: ManualClock;
let site: SessionSite;
let world: SessionWorld;
let ada: User;

beforeEach(async () => {
  clock = new ManualClock();
  site = await SessionSite.open({}, clock);
  ({ world } = site);
  ada = world.addUser();
  await world.settle();
});

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
};

test.each(Object.entries(ENDS))(
  'After %s, the watch, Validate and Refresh give the same reason, whichever is asked first',
  async (_, [reason, how]) => {
    const session = await signIn('phone');
    const client = site.client(SessionServiceClient);
    const stream = await new SessionWatchCall(client, session.accessToken, SECOND).alive();
    await how(session);
    expect(await stream.endReason()).toBe(reason);
    expect(await reasonOfValidate(session.accessToken, 'BOUNDED')).toBe(reason);
    expect(await reasonOfValidate(session.accessToken, 'STRONG')).toBe(reason);
    expect(await new SessionWatchCall(client, session.accessToken, SECOND).endReason()).toBe(reason);
    expect(await reasonOfRefresh(session.refreshToken)).toBe(reason);
    expect(await new SessionWatchCall(client, session.accessToken, SECOND).endReason()).toBe(reason);
  },
);

test.each([
  ['IDLE', 0],
  ['MAX_LIFETIME', 4],
])('After %s, the watch, Validate and Refresh give the same reason', async (reason, refreshes) => {
  let { userId, sessionId, refreshToken, idleDeadline } = await signIn();
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
  expect(await stream.endReason()).toBe(reason);
  expect(await reasonOfValidate(accessToken, 'STRONG')).toBe(reason);
  expect(await reasonOfRefresh(refreshToken)).toBe(reason);
  expect(await reasonOfValidate(accessToken, 'STRONG')).toBe(reason);
  expect(await new SessionWatchCall(client, accessToken, SECOND).endReason()).toBe(reason);
});
