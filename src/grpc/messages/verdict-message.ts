import type { BatchValidateResponse, ValidateResponse } from '../../gen/latchkey/v1/identity.ts';
import {
  Consistency,
  type Identity,
  NextStep,
  type Rejection,
  RejectionReason,
  type Verdict as VerdictMessage,
} from '../../gen/latchkey/v1/validation.ts';
import type { AccessTokenClaims } from '../../validator/access-token.ts';
import { reaches } from '../../validator/revision.ts';
import type { Requirements, ValidationResult, Verdict } from '../../validator/verdict.ts';
import { endReasonEnum } from './session-message.ts';

/** The fields that Validate and BatchValidate share. */
export interface RequirementFields {
  readonly consistency: Consistency;
  readonly audience: string;
  readonly atLeastRevision: string;
}

const BOUNDED: Requirements = { consistency: 'BOUNDED' };

export function requirementsOf({ consistency, audience, atLeastRevision }: RequirementFields): Requirements {
  if (consistency !== Consistency.STRONG && audience === '' && atLeastRevision === '') return BOUNDED;
  return {
    consistency: consistency === Consistency.STRONG ? 'STRONG' : 'BOUNDED',
    ...(audience !== '' && { audience }),
    ...(atLeastRevision !== '' && { atLeastRevision }),
  };
}

export function validateResponse({ verdict, asOf, revision }: ValidationResult): ValidateResponse {
  return { verdict: verdictOneof(verdict), asOf: new Date(asOf), revision: revision ?? '' };
}

/** @param results one or more. The response has the earliest `asOf` and the lowest revision of them. */
export function batchValidateResponse(results: readonly ValidationResult[]): BatchValidateResponse {
  let asOf = Number.POSITIVE_INFINITY;
  let revision = results[0]?.revision;
  for (const result of results) {
    asOf = Math.min(asOf, result.asOf);
    if (revision !== undefined && !reaches(result.revision, revision)) revision = result.revision;
  }
  const verdicts = results.map(({ verdict }): VerdictMessage => ({ verdict: verdictOneof(verdict) }));
  return { verdicts, asOf: new Date(asOf), revision: revision ?? '' };
}

function verdictOneof(verdict: Verdict): NonNullable<VerdictMessage['verdict']> {
  return verdict.kind === 'accepted'
    ? { $case: 'identity', value: identityMessage(verdict.claims) }
    : { $case: 'rejection', value: rejectionOf(verdict) };
}

export function identityMessage(claims: AccessTokenClaims): Identity {
  return {
    userId: claims.userId,
    sessionId: claims.sessionId,
    clientId: claims.clientId,
    roles: claims.roles,
    authenticationMethods: claims.authenticationMethods,
    authenticatedAt: new Date(claims.authenticatedAt),
    issuedAt: new Date(claims.issuedAt),
    expiresAt: new Date(claims.expiresAt),
  };
}

function rejectionOf({ reason, endReason, nextStep }: Verdict & { kind: 'rejected' }): Rejection {
  return {
    reason: RejectionReason[reason],
    endReason: endReasonEnum(endReason),
    nextStep: NextStep[nextStep],
  };
}
