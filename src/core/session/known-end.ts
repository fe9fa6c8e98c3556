import { detailTime } from '../audit/audit-event.ts';
import type { ListedAuditEvent } from '../audit/audit-trail.ts';
import { type EndedBy, type EndReason, endedBy } from '../audit/end-reason.ts';
import type { SessionState } from './session-state.ts';

/** How a session ended, as exactly as it is known. Times are milliseconds since 1970. */
export interface KnownEnd {
  /** UNSPECIFIED: not known. */
  readonly reason: EndReason;
  /** Undefined: not known. */
  readonly endedAt: number | undefined;
  /** Both are `endedAt` if that is known. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly endedBy: EndedBy;
  /** The name of the operator who ended it, or their user id. Empty: none, or not known. */
  readonly operator: string;
  /** The names of `EndEvidence` in `proto/latchkey/v1/session.proto`. */
  readonly evidence: 'RECORDED' | 'DEADLINE' | 'LOST';
}

/** What is known of a session that does not live. */
export interface EndFacts {
  readonly createdAt: number;
  /** The sign-in, from the trail. Undefined: not there. */
  readonly signedIn: ListedAuditEvent | undefined;
  /** The end of this session, from the trail. Undefined: not there. */
  readonly ownEnd: ListedAuditEvent | undefined;
  /** The ends of all sessions of its user since it was created, from the trail. */
  readonly endsOfAll: readonly ListedAuditEvent[];
  /** What the session store says. Undefined: not asked, because `ownEnd` is known. */
  readonly state: Extract<SessionState, { readonly kind: 'ended' }> | undefined;
  /** The last time at which the session is known to have lived. */
  readonly livedAt: number;
  /** What the session store held before this time may be lost. */
  readonly coveredSince: number;
  readonly now: number;
}

/** How a session ended: what the trail says of it, then the session store, then the end of all sessions of its user. */
export function knownEnd(facts: EndFacts): KnownEnd {
  const { ownEnd, state, livedAt, now } = facts;
  if (ownEnd !== undefined) return endOfEvent(ownEnd);
  const ofAll = firstEndOfAll(facts);
  if (state !== undefined && (state.reason !== 'UNSPECIFIED' || state.endedAt !== undefined)) {
    const { reason } = state;
    const event = ofAll?.reason === reason ? ofAll : undefined;
    const endedAt = state.endedAt ?? event?.at;
    const range = { notBefore: endedAt ?? livedAt, notAfter: endedAt ?? now };
    return { reason, endedAt, ...range, ...whoEnded(reason, event), evidence: 'RECORDED' };
  }
  return ofAll === undefined ? deadlineOrLost(facts) : endOfEvent(ofAll);
}

function endOfEvent(event: ListedAuditEvent): KnownEnd {
  const { at } = event;
  const reason = event.reason as EndReason;
  const range = { notBefore: at, notAfter: at };
  return { reason, endedAt: at, ...range, ...whoEnded(reason, event), evidence: 'RECORDED' };
}

/** The first end of all sessions that this session was there for. */
function firstEndOfAll({ createdAt, signedIn, endsOfAll }: EndFacts): ListedAuditEvent | undefined {
  const absoluteDeadline =
    (signedIn && detailTime(signedIn, 'absolute_deadline')) ?? Number.POSITIVE_INFINITY;
  return endsOfAll
    .filter(
      (event) => createdAt <= (detailTime(event, 'created_until') ?? event.at) && event.at < absoluteDeadline,
    )
    .toSorted((one, other) => one.at - other.at)[0];
}

/** A session without a record and without any stored end. Only a deadline ends a session without an event. */
function deadlineOrLost({ createdAt, signedIn, livedAt, coveredSince, now }: EndFacts): KnownEnd {
  const idle = signedIn && detailTime(signedIn, 'idle_deadline');
  const absolute = signedIn && detailTime(signedIn, 'absolute_deadline');
  const unknown = {
    reason: 'UNSPECIFIED',
    endedAt: undefined,
    endedBy: 'UNSPECIFIED',
    operator: '',
  } as const;
  if (idle === undefined || absolute === undefined || createdAt <= coveredSince || now < idle) {
    const notAfter = Math.max(livedAt, Math.min(now, absolute ?? now));
    return { ...unknown, notBefore: livedAt, notAfter, evidence: 'LOST' };
  }
  const byDeadline = { endedBy: 'SERVICE', operator: '', evidence: 'DEADLINE' } as const;
  if (idle >= absolute) {
    const range = { notBefore: absolute, notAfter: absolute };
    return { reason: 'MAX_LIFETIME', endedAt: absolute, ...range, ...byDeadline };
  }
  // A refresh moved the idle deadline, perhaps up to the absolute one.
  const range = { notBefore: Math.max(idle, livedAt), notAfter: Math.min(now, absolute) };
  return { reason: now < absolute ? 'IDLE' : 'UNSPECIFIED', endedAt: undefined, ...range, ...byDeadline };
}

/** @param event of this end. Undefined: not known. */
function whoEnded(
  reason: EndReason,
  event: ListedAuditEvent | undefined,
): Pick<KnownEnd, 'endedBy' | 'operator'> {
  const usual = endedBy(reason);
  if (event === undefined) return { endedBy: usual, operator: '' };
  const { actor, userId } = event;
  const isOther = actor.kind === 'operator' || (actor.kind === 'caller' && actor.userId !== userId);
  const known = isOther ? 'OPERATOR' : actor.kind === 'service' ? 'UNSPECIFIED' : 'USER';
  const who = usual === 'UNSPECIFIED' ? known : usual;
  return { endedBy: who, operator: who === 'OPERATOR' ? actor.username || actor.userId : '' };
}
