import type { EndReason } from '../audit/end-reason.ts';
import type { Session } from './session.ts';

/** What a refresh does to a session. */
export type RotationDecision =
  | { readonly kind: 'rotate'; readonly generation: number; readonly idleDeadline: number }
  | { readonly kind: 'replay' }
  | {
      readonly kind: 'end';
      readonly reason: EndReason;
      /** The deadline, if one has passed; otherwise `now`. */
      readonly endedAt: number;
    };

export interface RotationRequest {
  /** The generation of the presented token. */
  readonly generation: number;
  /** The user's security version, as just read. */
  readonly securityVersion: number;
  /** The end reason for a session with an older security version. Undefined: such a session goes on. */
  readonly outdatedReason: EndReason | undefined;
  readonly refreshGraceMs: number;
  readonly idleTtlMs: number;
  readonly now: number;
}

/**
 * The rotation rule (RFC 9700, section 4.14.2) as a pure function. `rotate.lua` implements the same rule. A property
 * test compares the two.
 *
 * - A session ends if a deadline has passed, or if it was opened under an older security version and not kept since.
 * - The current generation is replaced by the next one.
 * - The previous generation, within the grace period, gets the same successor again. A lost response or a second tab is
 *   not theft. There is never a second successor.
 * - Any older generation is a stolen or copied token, so the session ends.
 * - A later generation with a valid MAC means that the store lost a write in a failover. It is accepted, and rotation
 *   continues from it.
 */
export function decideRotation(session: Session, request: RotationRequest): RotationDecision {
  const { now, generation, refreshGraceMs, idleTtlMs, outdatedReason } = request;
  const passed = passedDeadline(session, now);
  if (passed !== undefined) return { kind: 'end', reason: passed.reason, endedAt: passed.at };
  if (outdatedReason !== undefined && session.securityVersion < request.securityVersion) {
    return { kind: 'end', reason: outdatedReason, endedAt: now };
  }
  if (generation >= session.generation) {
    return {
      kind: 'rotate',
      generation: generation + 1,
      idleDeadline: Math.min(now + idleTtlMs, session.absoluteDeadline),
    };
  }
  const withinGrace = now - session.lastSeenAt <= refreshGraceMs;
  if (generation === session.generation - 1 && withinGrace) return { kind: 'replay' };
  return { kind: 'end', reason: 'REFRESH_TOKEN_REUSED', endedAt: now };
}

export interface PassedDeadline {
  readonly reason: 'IDLE' | 'MAX_LIFETIME';
  /** The deadline: when the session ended, whoever notices it later. Milliseconds since 1970. */
  readonly at: number;
}

/** The deadline that passed first; MAX_LIFETIME if both are at the same time. Undefined: none has passed. */
export function passedDeadline(
  { idleDeadline, absoluteDeadline }: Pick<Session, 'idleDeadline' | 'absoluteDeadline'>,
  now: number,
): PassedDeadline | undefined {
  const first: PassedDeadline =
    idleDeadline < absoluteDeadline
      ? { reason: 'IDLE', at: idleDeadline }
      : { reason: 'MAX_LIFETIME', at: absoluteDeadline };
  return now >= first.at ? first : undefined;
}
