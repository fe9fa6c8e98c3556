import type { Tokens } from '../../src/gen/latchkey/v1/identity.ts';
import type { Session } from '../../src/gen/latchkey/v1/session.ts';

/** The tokens in the responses of a fake service. */
export function fakeTokens(accessToken: string, refreshToken: string, at: Date): Tokens {
  return { accessToken, accessTokenExpiresAt: at, refreshToken, refreshTokenExpiresAt: at };
}

/** The session in the responses of a fake service. */
export function fakeSession(at: Date): Session {
  return {
    sessionId: '019b7600-0000-7000-8000-0000000000f2',
    userId: '019b7600-0000-7000-8000-0000000000f1',
    clientId: '',
    device: { deviceId: '', name: '', platform: '' },
    ipAddress: '127.0.0.1',
    ...{
      latestIpAddress: '127.0.0.1',
      isCurrent: false,
      labels: {},
      ended: undefined,
      isNewDevice: false,
      authenticationMethods: ['pwd'],
    },
    ...{ createdAt: at, lastSeenAt: at, idleDeadline: at, absoluteDeadline: at },
  };
}
