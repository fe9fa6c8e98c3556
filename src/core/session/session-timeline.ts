import type { ListedAuditEvent } from '../audit/audit-trail.ts';
import type { KnownEnd } from './known-end.ts';
import type { Session } from './session.ts';

/** The names of `SessionTimelineKind` in `proto/latchkey/v1/session.proto`. */
export type TimelineKind =
  | 'OPENED'
  | 'REFRESHED'
  | 'REPLAYED'
  | 'MOVED'
  | 'REFUSED'
  | 'ENDED'
  | 'ANOMALY'
  | 'PASSWORD_CHANGE_FAILED';

/** What happened to a session at one time, or several like things. Empty text: not known, or does not apply. */
export interface TimelineEntry {
  readonly kind: TimelineKind;
  /** When; of several, the first one. Of an end whose time is not known: the earliest time. Milliseconds since 1970. */
  readonly at: number;
  readonly lastAt: number;
  readonly count: number;
  readonly reason: string;
  readonly ipAddress: string;
  readonly previousIpAddress: string;
  readonly clientId: string;
  /** Set if `kind` is ANOMALY: the details of its audit event. */
  readonly details: Readonly<Record<string, string>>;
  /** Set if `kind` is ENDED. */
  readonly end?: KnownEnd;
}

export interface TimelineFacts {
  readonly createdAt: number;
  readonly signedIn: ListedAuditEvent | undefined;
  /** Other events of the session, newest first. */
  readonly events: readonly ListedAuditEvent[];
  /** Undefined: the session has ended. */
  readonly living: Session | undefined;
  /** Undefined: the session is living. */
  readonly end: KnownEnd | undefined;
}

const KINDS: ReadonlyMap<string, TimelineKind> = new Map([
  ['RefreshReplayed', 'REPLAYED'],
  ['RefreshRefused', 'REFUSED'],
  ['SessionMoved', 'MOVED'],
  ['PasswordChangeFailed', 'PASSWORD_CHANGE_FAILED'],
]);

const NOTHING = {
  count: 1,
  reason: '',
  ipAddress: '',
  previousIpAddress: '',
  clientId: '',
  details: {},
} as const;

/** What happened to a session, oldest first, beginning with the sign-in. */
export function timelineOf(facts: TimelineFacts): readonly TimelineEntry[] {
  const { events, living, end } = facts;
  const entries = events
    .filter(({ kind }) => kind !== 'SignedIn' && kind !== 'SessionEnded')
    .map(entryOf)
    .reverse();
  if (living !== undefined && living.generation > 1) entries.push(lastRefresh(living));
  if (end !== undefined) {
    entries.push({ ...NOTHING, kind: 'ENDED', at: end.notBefore, lastAt: end.notAfter, end });
  }
  return [opened(facts), ...entries.sort((one, other) => one.lastAt - other.lastAt)];
}

function opened({ createdAt, signedIn, living }: TimelineFacts): TimelineEntry {
  const { ipAddress, clientId } = signedIn ?? living ?? NOTHING;
  return { ...NOTHING, kind: 'OPENED', at: createdAt, lastAt: createdAt, ipAddress, clientId };
}

function lastRefresh({ lastSeenAt: at, latestIpAddress, clientId }: Session): TimelineEntry {
  return { ...NOTHING, kind: 'REFRESHED', at, lastAt: at, ipAddress: latestIpAddress, clientId };
}

function entryOf({
  kind,
  at,
  lastAt,
  count,
  reason,
  ipAddress,
  clientId,
  details,
}: ListedAuditEvent): TimelineEntry {
  const known = KINDS.get(kind);
  const facts = { at, lastAt, count, ipAddress, clientId, previousIpAddress: details['from'] ?? '' };
  if (known !== undefined) return { kind: known, ...facts, reason, details: {} };
  const name = kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  return { kind: 'ANOMALY', ...facts, reason: name, details };
}
