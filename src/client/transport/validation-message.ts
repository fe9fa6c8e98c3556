import { status } from '@grpc/grpc-js';
import { EndReason } from '../../gen/latchkey/v1/session.ts';
import {
  type Identity as IdentityMessage,
  NextStep,
  type Rejection,
  RejectionReason,
  type Verdict,
} from '../../gen/latchkey/v1/validation.ts';
import { LatchkeyError } from './errors.ts';
import type { EndReasonName, Identity, RejectedToken, Validation } from './validation.ts';

/** The freshness that Validate and BatchValidate return with the verdict. */
interface ResponseFreshness {
  readonly asOf: Date | undefined;
  readonly revision: string;
}

/** Throws a `LatchkeyError` if there is no verdict. */
export function validationOf(verdict: Verdict['verdict'], { asOf, revision }: ResponseFreshness): Validation {
  if (verdict === undefined) throw new LatchkeyError(status.INTERNAL, 'The service returned no verdict.');
  const known = { asOf: asOf ?? new Date(0), revision };
  return verdict.$case === 'identity'
    ? { kind: 'accepted', identity: identityOfMessage(verdict.value), ...known }
    : { ...rejectedToken(verdict.value), ...known };
}

function identityOfMessage(message: IdentityMessage): Identity {
  return Object.freeze({
    userId: message.userId,
    sessionId: message.sessionId,
    clientId: message.clientId,
    roles: Object.freeze([...message.roles]),
    authenticationMethods: Object.freeze([...message.authenticationMethods]),
    authenticatedAt: message.authenticatedAt ?? new Date(0),
    issuedAt: message.issuedAt ?? new Date(0),
    expiresAt: message.expiresAt ?? new Date(0),
  });
}

function rejectedToken({ reason, endReason, nextStep }: Rejection): RejectedToken {
  const name = nameOf(RejectionReason, reason) ?? 'UNSPECIFIED';
  return {
    kind: 'rejected',
    reason: name,
    endReason: name === 'SESSION_ENDED' ? endReasonName(endReason) : undefined,
    nextStep: nextStep === NextStep.REFRESH ? 'REFRESH' : 'LOGIN',
  };
}

/** Maps a reason that only a newer service knows to UNSPECIFIED. */
export function endReasonName(endReason: number): EndReasonName {
  return nameOf(EndReason, endReason) ?? 'UNSPECIFIED';
}

/** Undefined: no name has this value. */
export function nameOf<Names extends Readonly<Record<string, number>>>(
  names: Names,
  value: number,
): keyof Names | undefined {
  return Object.keys(names).find((name) => names[name] === value);
}
