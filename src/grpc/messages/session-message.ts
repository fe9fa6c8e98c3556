import {
  type EndedBy as DomainEndedBy,
  type EndReason as DomainEndReason,
  endedBy,
} from '../../core/audit/end-reason.ts';
import type {
  Device as DomainDevice,
  Session as DomainSession,
  SessionSummary as DomainSessionSummary,
  IssuedTokens,
} from '../../core/session/session.ts';
import type { OpenedSession } from '../../core/session/session-opener.ts';
import type { SessionSummary, SignedIn, Tokens } from '../../gen/latchkey/v1/identity.ts';
import {
  type Device,
  EndedBy,
  type EndedSession,
  EndReason,
  type Session,
} from '../../gen/latchkey/v1/session.ts';

/** The device if the caller states none. */
const UNKNOWN_DEVICE: DomainDevice = { deviceId: '', name: '', platform: '' };

export function deviceOf(device: Device | undefined): DomainDevice {
  return device ?? UNKNOWN_DEVICE;
}

/** The enum value of a name without its prefix. UNSPECIFIED if the name is not in the proto file. */
export function endReasonEnum(name: string | undefined): EndReason {
  return name !== undefined && Object.hasOwn(EndReason, name)
    ? EndReason[name as keyof typeof EndReason]
    : EndReason.UNSPECIFIED;
}

export function tokensMessage(tokens: IssuedTokens): Tokens {
  return {
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: new Date(tokens.accessTokenExpiresAt),
    refreshToken: tokens.refreshToken,
    refreshTokenExpiresAt: new Date(tokens.refreshTokenExpiresAt),
  };
}

/** @param callerSessionId the session of the caller's token, marked as current. Undefined: no session is marked. */
export function sessionMessage(session: DomainSession, callerSessionId?: string): Session {
  return {
    sessionId: session.sessionId,
    userId: session.userId,
    clientId: session.clientId,
    device: session.device,
    ipAddress: session.ipAddress,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    idleDeadline: new Date(session.idleDeadline),
    absoluteDeadline: new Date(session.absoluteDeadline),
    latestIpAddress: session.latestIpAddress,
    isCurrent: session.sessionId === callerSessionId,
    labels: session.labels,
    authenticationMethods: session.authenticationMethods,
    isNewDevice: session.isNewDevice,
    ended: undefined,
  };
}

/** @param opened with the token for the next sign-in on this device. */
export function signedInMessage(opened: OpenedSession & { readonly deviceToken: string }): SignedIn {
  const { session, tokens, replaced, deviceToken } = opened;
  return {
    tokens: tokensMessage(tokens),
    session: sessionMessage(session),
    endedSessions: replaced.map(endedSessionMessage),
    deviceToken,
  };
}

export function summaryMessage(summary: DomainSessionSummary): SessionSummary {
  return {
    sessionId: summary.sessionId,
    deviceName: summary.deviceName,
    platform: summary.platform,
    createdAt: new Date(summary.createdAt),
    lastSeenAt: new Date(summary.lastSeenAt),
  };
}

/** What an `EndedSession` message is made of. */
export interface EndedSessionFacts {
  readonly sessionId: string;
  readonly reason: DomainEndReason;
  /** Undefined: not known. */
  readonly endedAt: number | undefined;
  /** Default: as far as the reason tells. */
  readonly endedBy?: DomainEndedBy;
  /** The name of the operator who ended it. Default: none. */
  readonly operator?: string;
}

export function endedSessionMessage(facts: EndedSessionFacts): EndedSession {
  const { sessionId, reason, endedAt, operator = '' } = facts;
  return {
    sessionId,
    endReason: endReasonEnum(reason),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt),
    endedBy: EndedBy[facts.endedBy ?? endedBy(reason)],
    operatorUsername: operator,
  };
}
