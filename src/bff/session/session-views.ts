import {
  EndEvidence,
  EndedBy,
  EndReason,
  type ListedSession,
  type SessionExplanation,
  type SessionTimelineEntry,
  SessionTimelineKind,
} from '../../client/index.ts';
import type { SessionHistoryView, SessionView, TimelineEntryView } from '../views.ts';

/** The name of an enum value of the contract. UNSPECIFIED: a newer service sent a value that is not known here. */
function nameOf<Names extends Readonly<Record<string, string | number>>>(
  names: Names,
  value: number,
): keyof Names {
  const name = Object.keys(names).find((each) => names[each] === value);
  return (name ?? 'UNSPECIFIED') as keyof Names;
}

export function sessionView(session: ListedSession, currentSessionId: string): SessionView {
  const { ended, device } = session;
  return {
    sessionId: session.sessionId,
    deviceName: device?.name ?? '',
    platform: device?.platform ?? '',
    clientId: session.clientId,
    ipAddress: session.ipAddress,
    latestIpAddress: session.latestIpAddress,
    authenticationMethods: session.authenticationMethods,
    createdAt: session.createdAt,
    lastSeenAt: session.lastSeenAt,
    idleDeadline: session.idleDeadline,
    absoluteDeadline: session.absoluteDeadline,
    isCurrent: session.sessionId === currentSessionId,
    isNewDevice: session.isNewDevice,
    ended: ended && {
      endReason: nameOf(EndReason, ended.endReason),
      endedBy: nameOf(EndedBy, ended.endedBy),
      endedAt: ended.endedAt,
    },
  };
}

/** The view of a session's history, without its page. Undefined: the service sent no session. */
export function historyView(
  explanation: SessionExplanation,
  currentSessionId: string,
): Omit<SessionHistoryView, 'page'> | undefined {
  const { session, entries, omitsEntries, endedNotBefore, endedNotAfter } = explanation;
  if (session === undefined) return undefined;
  const evidence = nameOf(EndEvidence, explanation.endEvidence);
  const isKnown = evidence === 'RECORDED' || evidence === 'DEADLINE' || evidence === 'LOST';
  return {
    session: sessionView(session, currentSessionId),
    entries: entries.map(entryView),
    omitsEntries,
    endEvidence: isKnown ? evidence : undefined,
    endedNotBefore,
    endedNotAfter,
  };
}

function entryView(entry: SessionTimelineEntry): TimelineEntryView {
  return {
    kind: nameOf(SessionTimelineKind, entry.kind),
    at: entry.at,
    lastAt: entry.lastAt,
    count: entry.count,
    endReason: nameOf(EndReason, entry.endReason),
    endedBy: nameOf(EndedBy, entry.endedBy),
    reason: entry.reason,
    ipAddress: entry.ipAddress,
    previousIpAddress: entry.previousIpAddress,
    clientId: entry.clientId,
  };
}
