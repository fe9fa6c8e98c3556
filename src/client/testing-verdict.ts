import type { AccessTokenClaims } from '../validator/access-token.ts';
import type { Identity } from './validation.ts';

/** The identity that a good token stands for; frozen, as the real client's are. */
export function judgedIdentity(claims: AccessTokenClaims): Identity {
  const { userId, sessionId, clientId } = claims;
  return Object.freeze({
    ...{ userId, sessionId, clientId },
    roles: Object.freeze([...claims.roles]),
    authenticationMethods: Object.freeze([...claims.authenticationMethods]),
    authenticatedAt: new Date(claims.authenticatedAt),
    issuedAt: new Date(claims.issuedAt),
    expiresAt: new Date(claims.expiresAt),
  });
}
