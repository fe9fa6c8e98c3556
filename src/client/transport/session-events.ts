import { EndedBy, EndReason, type WatchSessionResponse } from '../../gen/latchkey/v1/session.ts';
import type { LatchkeyError } from './errors.ts';
import type { EndReasonName } from './validation.ts';
import { endReasonName, nameOf } from './validation-message.ts';

/**
 * Who ended a session: a name of the contract's `EndedBy`. `UNSPECIFIED`: unknown.
 *
 * @example
 * const isOwn = (by: EndedByName) => by === 'USER';
 */
export type EndedByName = keyof typeof EndedBy;

/**
 * The session is living. The service will say when it ends.
 *
 * @example
 * const isLongLived = ({ absoluteDeadline }: SessionAlive) => absoluteDeadline.getTime() > Date.now() + 86_400_000;
 */
export interface SessionAlive {
  readonly kind: 'alive';
  /**
   * Without a refresh before this instant, the session ends as IDLE. A later refresh extends the deadline; the event with
   * the new one comes when this one passes.
   */
  readonly idleDeadline: Date;
  /** The session ends at this instant as MAX_LIFETIME. */
  readonly absoluteDeadline: Date;
}

/**
 * The session has ended. Nothing follows.
 *
 * @example
 * const textOf = ({ endReason, endedBy }: SessionEnd) => `signed out: ${endReason}, by ${endedBy}`;
 */
export interface SessionEnd {
  readonly kind: 'ended';
  readonly endReason: EndReasonName;
  /** Undefined: unknown. */
  readonly endedAt: Date | undefined;
  readonly endedBy: EndedByName;
}

/**
 * The service currently cannot say whether the session is living, or what the state of the ticket is. The client keeps
 * trying until another event follows. An end in between is not missed.
 *
 * @example
 * const why = ({ error }: WatchInterrupted) => error?.message ?? 'the session store does not answer';
 */
export interface WatchInterrupted {
  readonly kind: 'interrupted';
  /** Why the stream was lost. Undefined: the stream is open, but the service cannot read its session store. */
  readonly error: LatchkeyError | undefined;
}

/**
 * An event of `watchSession`.
 *
 * @example
 * const isOver = (event: SessionEvent) => event.kind === 'ended';
 */
export type SessionEvent = SessionAlive | SessionEnd | WatchInterrupted;

/** The event of a message. Undefined: it has none. @param last the latest `alive` of this watch, for a heartbeat. */
export function eventOf(
  { event, asOf }: WatchSessionResponse,
  last: SessionAlive | undefined,
): SessionEvent | undefined {
  switch (event?.$case) {
    case 'alive': {
      const { idleDeadline = new Date(0), absoluteDeadline = new Date(0) } = event.value;
      return { kind: 'alive', idleDeadline, absoluteDeadline };
    }
    case 'ended': {
      const { endReason, endedAt, endedBy } = event.value;
      // A newer service may send names that this client does not know.
      const by = nameOf(EndedBy, endedBy) ?? 'UNSPECIFIED';
      return { kind: 'ended', endReason: endReasonName(endReason), endedAt, endedBy: by };
    }
    default:
      return asOf === undefined ? { kind: 'interrupted', error: undefined } : last;
  }
}

/** The end of the session that an error of Refresh names. Undefined: it is another error. */
export function endOfError({ reason, metadata }: LatchkeyError): SessionEnd | undefined {
  if (reason !== 'SESSION_ENDED') return undefined;
  const { end_reason: name = '', ended_at: at } = metadata;
  return {
    kind: 'ended',
    endReason: Object.hasOwn(EndReason, name) ? (name as EndReasonName) : 'UNSPECIFIED',
    endedAt: at === undefined ? undefined : new Date(at),
    endedBy: 'UNSPECIFIED',
  };
}

/** Whether the event says nothing new. Two interruptions in a row are one. */
export function isSameEvent(event: SessionEvent, latest: SessionEvent): boolean {
  if (event.kind !== latest.kind) return false;
  if (event.kind !== 'alive' || latest.kind !== 'alive') return true;
  return (
    event.idleDeadline.getTime() === latest.idleDeadline.getTime() &&
    event.absoluteDeadline.getTime() === latest.absoluteDeadline.getTime()
  );
}
