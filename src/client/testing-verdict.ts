import type { AccessTokenClaims } from '../validator/access-token.ts';
import type { Identity } from './validation.ts';

/** The identity that a good token stands for. */
export function judgedIdentity(claims: AccessTokenClaims): Identity {
  const { userId, sessionId, clientId, roles, authenticationMethods } = claims;
  return {
    ...{ userId, sessionId, clientId, roles, authenticationMethods },
    authenticatedAt: new Date(claims.authenticatedAt),
    issuedAt: new Date(claims.issuedAt),
    expiresAt: new Date(claims.expiresAt),
  };
}
