import type { KnownEnd } from '../../core/session/known-end.ts';
import type { PastSession } from '../../core/session/past-session.ts';
import type { ExplainedSession, FullSessionPage } from '../../core/session/session-history.ts';
import type { TimelineEntry } from '../../core/session/session-timeline.ts';
import {
  EndEvidence,
  EndedBy,
  EndReason,
  type ListSessionsResponse,
  type Session,
  type SessionExplanation,
  type SessionTimelineEntry,
  SessionTimelineKind,
} from '../../gen/latchkey/v1/session.ts';
import { pageTokenOf } from '../page.ts';
import { endedSessionMessage, endReasonEnum, sessionMessage } from './session-message.ts';

/** How to show sessions to the caller. */
export interface SessionView {
  /** The session of the caller's token. Undefined: the message does not say which one that is. */
  readonly callerSessionId?: string;
  /** Whether operators are named and anomalies have details. Users only learn that there were such. */
  readonly isForOperators: boolean;
}

/** A page of a list, for its user or for operators. */
type SessionPageMessage = Pick<ListSessionsResponse, 'sessions' | 'nextPageToken'>;

export function sessionPageMessage(page: FullSessionPage, view: SessionView): SessionPageMessage {
  const living = page.sessions.map((session) => sessionMessage(session, view.callerSessionId));
  const ended = page.ended.map((session) => pastSessionMessage(session, view));
  return {
    sessions: [...living, ...ended],
    nextPageToken: page.next === undefined ? '' : pageTokenOf(page.next),
  };
}

export function explanationMessage(
  { subject, entries, omitsEntries }: ExplainedSession,
  view: SessionView,
): SessionExplanation {
  const end = subject.kind === 'ended' ? subject.session.end : undefined;
  return {
    session:
      subject.kind === 'live'
        ? sessionMessage(subject.session, view.callerSessionId)
        : pastSessionMessage(subject.session, view),
    entries: entries.map((entry) => entryMessage(entry, view)),
    omitsEntries,
    endEvidence: end === undefined ? EndEvidence.UNSPECIFIED : EndEvidence[end.evidence],
    endedNotBefore: end && new Date(end.notBefore),
    endedNotAfter: end && new Date(end.notAfter),
  };
}

function pastSessionMessage(session: PastSession, view: SessionView): Session {
  const { sessionId, userId, clientId, deviceName, platform, ipAddress, createdAt, end } = session;
  return {
    sessionId,
    userId,
    clientId,
    ipAddress,
    device: { deviceId: '', name: deviceName, platform },
    createdAt: new Date(createdAt),
    lastSeenAt: undefined,
    idleDeadline: undefined,
    absoluteDeadline: session.absoluteDeadline === undefined ? undefined : new Date(session.absoluteDeadline),
    latestIpAddress: '',
    isCurrent: false,
    labels: {},
    isNewDevice: false,
    authenticationMethods: [],
    ended: endedSessionMessage({ sessionId, ...end, operator: operatorIn(end, view) }),
  };
}

function entryMessage(entry: TimelineEntry, view: SessionView): SessionTimelineEntry {
  const { kind, at, lastAt, end, ...facts } = entry;
  return {
    ...facts,
    kind: SessionTimelineKind[kind],
    at: new Date(at),
    lastAt: new Date(lastAt),
    endReason: end === undefined ? EndReason.UNSPECIFIED : endReasonEnum(end.reason),
    endedBy: end === undefined ? EndedBy.UNSPECIFIED : EndedBy[end.endedBy],
    operatorUsername: operatorIn(end, view),
    details: view.isForOperators ? entry.details : {},
  };
}

function operatorIn(end: KnownEnd | undefined, { isForOperators }: SessionView): string {
  return isForOperators ? (end?.operator ?? '') : '';
}
