import type { AccessTokenClaims } from '../../validator/access-token.ts';
import type { Accepted, Verdict } from '../../validator/verdict.ts';
import type { EndReasonName, Identity, Validation } from '../transport/validation.ts';

/** The identity of a valid token. Frozen, because validations of one token share it. */
export function identityOfClaims(claims: AccessTokenClaims): Identity {
  return Object.freeze({
    userId: claims.userId,
    sessionId: claims.sessionId,
    clientId: claims.clientId,
    roles: Object.freeze([...claims.roles]),
    authenticationMethods: Object.freeze([...claims.authenticationMethods]),
    authenticatedAt: new Date(claims.authenticatedAt),
    issuedAt: new Date(claims.issuedAt),
    expiresAt: new Date(claims.expiresAt),
  });
}

/**
 * Converts a local verdict to the public form.
 *
 * @param makeIdentity called only for an accepted token.
 */
export function validationOfVerdict(
  verdict: Verdict,
  { asOf, revision }: Pick<Validation, 'asOf' | 'revision'>,
  makeIdentity: (accepted: Accepted) => Identity,
): Validation {
  if (verdict.kind === 'accepted') {
    return { kind: 'accepted', identity: makeIdentity(verdict), asOf, revision };
  }
  const { reason, nextStep } = verdict;
  const endReason = verdict.endReason as EndReasonName | undefined;
  return { kind: 'rejected', reason, endReason, nextStep, asOf, revision };
}
