import type { EndReason } from '../audit/end-reason.ts';
import type { Session } from './session.ts';

/** What a refresh does to a session. */
export type RotationDecision =
  | { readonly kind: 'rotate'; readonly generation: number; readonly idleDeadline: number }
  | { readonly kind: 'replay' }
  | {
      readonly kind: 'end';
      readonly reason: EndReason;
    };

export interface RotationRequest {
  /** The generation of the token that was presented. */
  readonly generation: number;
  /** The user's, as it was read just now. */
  readonly securityVersion: number;
  /** How a session ends that was opened under an older security version. */
  readonly outdatedReason: EndReason;
  readonly refreshGraceMs: number;
  readonly idleTtlMs: number;
  readonly now: number;
}

/**
 * The rotation rule (RFC 9700, section 4.14.2), as a function of values. `rotate.lua` is the same rule, and
 * the property test holds the two together.
 *
 * - A session whose deadline has passed, or that was opened under an older security version of its user, ends.
 * - The current generation moves on to the next one.
 * - The generation before it, within the grace, gets the same successor again: a lost answer or a second tab
 *   is not theft, and no second branch is ever made.
 * - Anything older is a copy in somebody's hands: the session ends.
 * - A later generation than the stored one, its MAC being ours, means that the store lost a write in a
 *   failover: it is accepted, and rotation goes on from there.
 */
export function decideRotation(session: Session, request: RotationRequest): RotationDecision {
  const { now, generation, refreshGraceMs, idleTtlMs } = request;
  const passed = passedDeadline(session, now);
  if (passed !== undefined) return { kind: 'end', reason: passed };
  if (session.securityVersion < request.securityVersion) {
    return { kind: 'end', reason: request.outdatedReason };
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
  return { kind: 'end', reason: 'REFRESH_TOKEN_REUSED' };
}

/** The deadline that has passed; the absolute one, where both have. */
export function passedDeadline(
  session: Pick<Session, 'idleDeadline' | 'absoluteDeadline'>,
  now: number,
): 'IDLE' | 'MAX_LIFETIME' | undefined {
  if (now >= session.absoluteDeadline) return 'MAX_LIFETIME';
  return now >= session.idleDeadline ? 'IDLE' : undefined;
}
