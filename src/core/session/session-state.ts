import type { EndReason } from '../audit/end-reason.ts';
import { passedDeadline } from './rotation.ts';
import type { ReadOutcome } from './session-store.ts';

/** The deadlines of a living session; milliseconds since 1970. */
export interface Deadlines {
  readonly idleDeadline: number;
  readonly absoluteDeadline: number;
}

export interface SessionEnd {
  readonly reason: EndReason;
  /** Milliseconds since 1970; undefined: not known. */
  readonly endedAt: number | undefined;
}

/** What the session store and the revocation log know of a session. */
export type SessionState =
  | ({ readonly kind: 'live' } & Deadlines)
  | ({ readonly kind: 'ended' } & SessionEnd);

/**
 * Combines what is known of a session. A missing session has ended with UNSPECIFIED.
 *
 * @param logged the end reason in the log. It counts for a record that ended but was restored by a failover.
 * @param last the deadlines as last read: the store may drop a record soon after its deadline. Undefined: never read.
 */
export function sessionState(
  found: ReadOutcome,
  logged: string | undefined,
  now: number,
  last?: Deadlines,
): SessionState {
  if (found.kind === 'ended') return { ...found, ...found.ended };
  if (logged !== undefined) return { kind: 'ended', reason: logged as EndReason, endedAt: undefined };
  const deadlines = found.kind === 'live' ? found.session : last;
  const passed = deadlines && passedDeadline(deadlines, now);
  if (passed !== undefined) return { kind: 'ended', reason: passed.reason, endedAt: passed.at };
  if (found.kind === 'missing') return { kind: 'ended', reason: 'UNSPECIFIED', endedAt: undefined };
  const { idleDeadline, absoluteDeadline } = found.session;
  return { kind: 'live', idleDeadline, absoluteDeadline };
}
