import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { connect, LatchkeyError } from '../../src/client/index.ts';
import { ServiceAccount } from '../../src/client/transport/service-account.ts';
import type { SignedIn, SignInCalls } from '../../src/client/transport/sign-in.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MINUTE } from '../support/sessions.ts';

const LIFE = 15 * MINUTE;
/** The service's clock is ahead of this process's. */
const AHEAD = 3 * 60 * MINUTE;
const ACCOUNT = { username: 'billing', password: 'correct horse battery' };

let clock: ManualClock;
let asked: string[];
/** Of each sign-in. */
let deviceTokens: unknown[];
let failure: LatchkeyError | undefined;
/** Fails only refreshes. */
let refusal: LatchkeyError | undefined;
let account: ServiceAccount;

function answer(count: number): SignedIn {
  const now = clock.now() + AHEAD;
  return {
    tokens: {
      accessToken: `access-${count}`,
      accessTokenExpiresAt: new Date(now + LIFE),
      refreshToken: `refresh-${count}`,
      refreshTokenExpiresAt: new Date(now + 100 * LIFE),
    },
    session: { lastSeenAt: new Date(now) } as SignedIn['session'],
    endedSessions: [],
    deviceToken: `device-${count}`,
  };
}

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  deviceTokens = [];
  failure = undefined;
  refusal = undefined;
  let count = 0;
  const next = (call: string) => {
    asked.push(call);
    if (failure !== undefined) return Promise.reject(failure);
    count += 1;
    return Promise.resolve(answer(count));
  };
  const calls: SignInCalls = {
    login: ({ username, deviceToken }) => {
      deviceTokens.push(deviceToken);
      return next(`login ${username}`);
    },
    refresh: ({ refreshToken }) => {
      if (refusal === undefined) return next(`refresh ${refreshToken}`);
      asked.push(`refresh ${refreshToken}`);
      return Promise.reject(refusal);
    },
    logout: async (input) => {
      asked.push(`logout ${JSON.stringify(input)}`);
      return { revision: '1-0' };
    },
  };
  account = new ServiceAccount(ACCOUNT, calls, clock);
});

describe('a service account', () => {
  test('signs in once for all concurrent calls, and keeps its token', async () => {
    expect(asked).toEqual([]);
    expect(await Promise.all([account.token(), account.token()])).toEqual(['access-1', 'access-1']);
    clock.advance(11 * MINUTE);
    expect(account.token()).toBe('access-1');
    expect(asked).toEqual(['login billing']);
  });

  test('renews its token before it expires, and no call waits for that', async () => {
    await account.token();
    clock.advance(12 * MINUTE + 1);
    expect(account.token()).toBe('access-1');
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(account.token()).toBe('access-2');
    expect(asked).toEqual(['login billing', 'refresh refresh-1']);
  });

  test('waits for a new token if the current one has expired', async () => {
    await account.token();
    clock.advance(LIFE);
    expect(await account.token()).toBe('access-2');
  });

  test.each(['SESSION_ENDED', 'INVALID_REFRESH_TOKEN'])('signs in again after %s', async (reason) => {
    await account.token();
    clock.advance(LIFE);
    refusal = new LatchkeyError(status.UNAUTHENTICATED, 'ended', { reason });
    expect(await account.token()).toBe('access-2');
    expect(asked).toEqual(['login billing', 'refresh refresh-1', 'login billing']);
  });

  test('signs in with the device token of its last sign-in, unless the service refused that', async () => {
    const signIn = async () => {
      clock.advance(LIFE);
      return Promise.resolve(account.token()).catch(() => 'failed');
    };
    refusal = new LatchkeyError(status.UNAUTHENTICATED, 'ended', { reason: 'SESSION_ENDED' });
    await signIn();
    await signIn();
    failure = new LatchkeyError(status.INVALID_ARGUMENT, 'device_token: …', { reason: 'INVALID_FIELD' });
    expect(await signIn()).toBe('failed');
    failure = undefined;
    expect(await signIn()).toBe('access-3');
    expect(deviceTokens).toEqual(['', 'device-1', 'device-2', '']);
  });

  test('gets a new token after the service rejected the current one', async () => {
    const first = await account.token();
    account.forget('another');
    expect(account.token()).toBe(first);
    account.forget(first);
    expect(await account.token()).toBe('access-2');
  });

  test('fails with the error of the sign-in, and does not retry for a second', async () => {
    failure = new LatchkeyError(status.UNAUTHENTICATED, 'Invalid username or password.', {
      reason: 'INVALID_CREDENTIALS',
    });
    for (let count = 0; count < 5; count += 1) {
      expect(await Promise.resolve(account.token()).catch((error) => error)).toMatchObject({
        code: status.UNAUTHENTICATED,
        reason: 'CALLER_UNAUTHENTICATED',
        details: 'The service account could not sign in: Invalid username or password.',
      });
    }
    expect(asked).toEqual(['login billing']);
    failure = undefined;
    clock.advance(1_000);
    expect(await account.token()).toBe('access-1');
  });

  test('passes on why a sign-in failed that can succeed later', async () => {
    failure = new LatchkeyError(status.RESOURCE_EXHAUSTED, 'The queue is full.', {
      reason: 'LOGIN_QUEUE_FULL',
      retryAfterMs: 300,
    });
    await expect(account.token()).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      reason: 'LOGIN_QUEUE_FULL',
      retryAfterMs: 300,
      isUnsent: true,
      cause: failure,
    });
  });

  test('keeps its valid token while the service is unavailable', async () => {
    await account.token();
    failure = new LatchkeyError(status.UNAVAILABLE, 'away');
    clock.advance(13 * MINUTE);
    expect(account.token()).toBe('access-1');
    await new Promise(setImmediate);
    expect(account.token()).toBe('access-1');
  });

  test('signs out when it is closed, if it signed in before', async () => {
    await account.close();
    expect(asked).toEqual([]);
    await account.token();
    await account.close();
    expect(asked.at(-1)).toBe('logout {"refreshToken":"refresh-1"}');
  });

  test('that is closed during its sign-in signs out of the new session', async () => {
    const token = account.token();
    await account.close();
    expect(await token).toBe('access-1');
    expect(asked).toEqual(['login billing', 'logout {"refreshToken":"refresh-1"}']);
  });

  test('that is closed during a renewal signs out with the new token', async () => {
    await account.token();
    clock.advance(LIFE);
    const token = account.token();
    await account.close();
    expect(await token).toBe('access-2');
    expect(asked.at(-1)).toBe('logout {"refreshToken":"refresh-2"}');
  });
});

test.each([
  ['both a token and an account', { token: 'a', serviceAccount: ACCOUNT }, /either token or serviceAccount/],
  [
    'an account without a password',
    { serviceAccount: { username: 'a' } },
    /serviceAccount\.password must be/,
  ],
  ['an empty username', { serviceAccount: { ...ACCOUNT, username: '' } }, /serviceAccount\.username must be/],
  ['another field', { serviceAccount: { ...ACCOUNT, role: 'x' } }, /there is no option role/],
  ['a string', { serviceAccount: 'billing' }, /the options are a string/],
])('connect refuses %s', (_, options, message) => {
  expect(() => connect('127.0.0.1:1', { credentials: { kind: 'plaintext' }, ...options } as never)).toThrow(
    message,
  );
});
