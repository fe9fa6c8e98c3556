import { expect } from '@jest/globals';
import type { EndReason } from '../../src/core/audit/end-reason.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { CreateSession, SessionStore } from '../../src/core/session/session-store.ts';
import type { Clock } from '../../src/validator/clock.ts';
import { aSession, atMost, DAY, HOUR } from '../support/sessions.ts';

export const GRACE = 30_000;

/** The steps of a session store with the usual arguments, at the time of a clock. */
export function sessionSteps(
  store: SessionStore,
  clock: Pick<Clock, 'now'>,
  { refreshGraceMs = GRACE }: { readonly refreshGraceMs?: number } = {},
) {
  const create = (session: Session, given: Partial<CreateSession> = {}) =>
    store.create({
      session,
      ...atMost(50),
      tombstoneTtlMs: DAY,
      now: clock.now(),
      ...given,
    });
  const rotate = (
    session: Session,
    generation: number,
    securityVersion = 1,
    clientId = '',
    ipAddress = session.ipAddress,
    isKept = false,
  ) =>
    store.rotate({
      userId: session.userId,
      sessionId: session.sessionId,
      generation,
      clientId,
      ipAddress,
      securityVersion,
      outdatedReason: isKept ? undefined : 'USER_DISABLED',
      refreshGraceMs,
      idleTtlMs: 7 * DAY,
      tombstoneTtlMs: DAY,
      now: clock.now(),
    });
  const end = ({ userId, sessionId }: Session, reason: EndReason = 'LOGGED_OUT') =>
    store.end({ userId, sessionId, reason, tombstoneTtlMs: DAY, now: clock.now() });
  const shorten = ({ userId, sessionId }: Session, deadline: number) =>
    store.shorten({ userId, sessionId, deadline, now: clock.now() });
  const endKnown = ({ userId, sessionId }: Session, reason: EndReason = 'ENDED_BY_USER') =>
    store.endKnown({ userId, sessionId, reason, tombstoneTtlMs: DAY, now: clock.now() });
  const endOthers = ({ userId, sessionId }: Session, reason: EndReason = 'ENDED_BY_USER') =>
    store.endOthers({ userId, keptSessionId: sessionId, reason, tombstoneTtlMs: DAY, now: clock.now() });
  const endOutdated = ({ userId, sessionId }: Session, securityVersion: number) =>
    store.endOutdated({
      userId,
      securityVersion,
      keptSessionId: sessionId,
      reason: 'PASSWORD_CHANGED',
      tombstoneTtlMs: DAY,
      cutoffTtlMs: HOUR,
      now: clock.now(),
    });
  const list = (userId: string) => store.list(userId, clock.now());
  const endUser = (userId: string, securityVersion: number, createdUpTo?: number) =>
    store.endUser({
      userId,
      securityVersion,
      reason: 'PASSWORD_CHANGED',
      tombstoneTtlMs: DAY,
      cutoffTtlMs: HOUR,
      now: clock.now(),
      ...(createdUpTo === undefined ? {} : { createdUpTo }),
    });
  const read = ({ userId, sessionId }: Session) => store.read(userId, sessionId, clock.now());
  const opened = async (given: Partial<Session> = {}) => {
    const session = aSession(clock.now(), given);
    expect(await create(session)).toEqual({ kind: 'created', replaced: [] });
    return session;
  };
  return { create, rotate, shorten, end, endKnown, endOthers, endOutdated, endUser, read, list, opened };
}
