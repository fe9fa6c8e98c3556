import { v7 } from 'uuid';
import type { IdSource } from '../../src/core/ids.ts';
import type { SessionLimit } from '../../src/core/session/device-policy.ts';
import type { Session } from '../../src/core/session/session.ts';
import { createdAtOf } from '../../src/validator/session-id.ts';

export const ids: IdSource = { next: (atMs) => v7({ msecs: atMs }) };

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What `create` is asked besides the session: at most so many sessions, of which the oldest is replaced. */
export function atMost(maxSessions: number, given: Partial<SessionLimit> = {}) {
  const limit: SessionLimit = { maxSessions, counted: 'all', atLimit: 'replace', ...given };
  return { limit, endSessionId: '' };
}

/** A new session at `now`, as `SessionService` would make it. */
export function aSession(now: number, given: Partial<Session> = {}): Session {
  const sessionId = given.sessionId ?? ids.next(now);
  const createdAt = createdAtOf(sessionId) ?? now;
  return {
    sessionId,
    userId: ids.next(now),
    clientId: 'web',
    device: { deviceId: '', name: 'Firefox on Linux', platform: 'Linux' },
    ipAddress: '192.0.2.7',
    latestIpAddress: given.ipAddress ?? '192.0.2.7',
    labels: {},
    isNewDevice: false,
    authenticationMethods: ['pwd'],
    createdAt,
    lastSeenAt: createdAt,
    idleDeadline: createdAt + 7 * DAY,
    absoluteDeadline: createdAt + 30 * DAY,
    generation: 1,
    securityVersion: 1,
    ...given,
  };
}
