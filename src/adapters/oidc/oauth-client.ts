import {
  AuthorizationResponseError,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  None,
  ResponseBodyError,
} from 'openid-client';
import { Failure } from '../../core/failure.ts';
import {
  providerAnswerInvalid,
  providerRefused,
  providerUnavailable,
} from '../../core/sign-in/identity-provider.ts';

/** Codes of the library: the provider did not answer, or not in the form that OAuth requires. */
const UNAVAILABLE_CODES: ReadonlySet<string | undefined> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  // An error without a code: the connection failed.
  undefined,
]);
/** The token endpoint refuses this code, and not our configuration (RFC 6749, section 5.2). */
const REFUSED_CODE = 'invalid_grant';

/**
 * How this client proves who it is: `client_secret_basic`, the default of OpenID Connect, unless the provider supports
 * `client_secret_post` only.
 *
 * @param secret undefined: a public client.
 */
export function authenticationWith(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  const basic = ClientSecretBasic(secret);
  const post = ClientSecretPost(secret);
  return (server, client, body, headers) => {
    const supported = server.token_endpoint_auth_methods_supported;
    const usesBasic = supported === undefined || supported.includes('client_secret_basic');
    (usesBasic ? basic : post)(server, client, body, headers);
  };
}

/** The failure for an error of the library. Such errors contain no request, so no secret. The log omits their answers. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AuthorizationResponseError) return providerRefused(error.error);
  if (error instanceof ResponseBodyError) {
    return error.error === REFUSED_CODE ? providerRefused(REFUSED_CODE) : providerUnavailable(error);
  }
  const isAnswer = error instanceof ClientError && !UNAVAILABLE_CODES.has(error.code);
  return isAnswer ? providerAnswerInvalid(error) : providerUnavailable(error);
}
