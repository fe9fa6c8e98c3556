import type { Metadata } from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import { ADMIN_ROLE, SERVICE_ROLE } from '../../core/user/user.ts';
import type { TokenValidation } from '../../core/validation/token-validation.ts';
import { bearerTokenOf } from '../../validator/bearer-token.ts';
import type { Requirements, Verdict } from '../../validator/verdict.ts';
import type { Call, Handler, Interceptor } from '../call.ts';

/** Validates the callers' own access tokens. */
export type CallerTokens = Pick<TokenValidation, 'validate'>;

/** Checks the signatures and claims of the callers' own access tokens, but not their sessions. */
export type TokenSignatures = Pick<TokenValidation, 'verify'>;

/** Who may validate tokens: any caller, holders of a client certificate, holders of a service's access token. */
export type CallerAuth = 'open' | 'mtls' | 'token';

/** The role of a service that signs users in on their behalf and may state their address. */
const FRONT_ROLE = 'front';

/** Who may state an `origin`: no caller, holders of a client certificate, holders of a front's access token. */
export type FrontAuth = 'none' | 'mtls' | 'token';

/** Sets the caller of a call, or throws if the caller is refused. */
export type CallerCheck = (call: Call) => void | Promise<void>;

/**
 * Authenticates the callers of Validate, BatchValidate and ValidationService, as LATCHKEY_CALLER_AUTH says.
 *
 * Inside error translation and the deadline, because the caller's verdict may wait for a store. Before decoding, so
 * that a refused caller costs no decoding. It runs when the request is complete, not when the headers arrive.
 * Otherwise a caller could keep an authenticated call open and use it after its session has ended.
 */
export function serviceCallers(kind: CallerAuth, tokens: CallerTokens): Interceptor {
  return kind === 'open' ? (next) => next : checked(serviceCheck(kind, tokens));
}

/** The check of `serviceCallers` alone, for streams that repeat it. */
export function serviceCheck(kind: CallerAuth, tokens: CallerTokens): CallerCheck {
  switch (kind) {
    case 'open':
      return () => undefined;
    case 'mtls':
      return requireClientCertificate;
    case 'token':
      return requireRole(tokens, [SERVICE_ROLE, ADMIN_ROLE], { consistency: 'BOUNDED' });
  }
}

/** Authenticates fronts, as LATCHKEY_FRONT_AUTH says. Only calls that state an `origin` need it. */
export function frontCheck(kind: FrontAuth, tokens: CallerTokens): CallerCheck {
  switch (kind) {
    case 'none':
      return () => {
        const why = 'Only a front may set `origin`, and LATCHKEY_FRONT_AUTH is none.';
        throw new Failure('CALLER_FORBIDDEN', why, { metadata: { required_role: FRONT_ROLE } });
      };
    case 'mtls':
      return requireClientCertificate;
    case 'token':
      return requireRole(tokens, [FRONT_ROLE], { consistency: 'BOUNDED' });
  }
}

/**
 * Accepts administrators only. Every call reads the caller's session from the store, so disabling a user takes
 * effect at once. Has the same place in the chain as `serviceCallers`.
 *
 * @param tokens must use current roles (`CurrentRoles`). Otherwise a former administrator could restore the role.
 */
export function administrators(tokens: CallerTokens): Interceptor {
  return checked(requireRole(tokens, [ADMIN_ROLE], { consistency: 'STRONG' }));
}

/**
 * Accepts every signed-in user, for rpcs that act on what belongs to the caller. Has the same place in the chain as
 * `serviceCallers`.
 */
export function signedInCallers(tokens: CallerTokens): Interceptor {
  return checked(signedInCheck(tokens));
}

/** The check of `signedInCallers` alone, for rpcs that need it only sometimes. */
export function signedInCheck(tokens: CallerTokens): CallerCheck {
  return requireToken(tokens, { consistency: 'BOUNDED' }, () => undefined);
}

/**
 * Accepts the holder of a genuine token that has not expired, even if its session has ended, for rpcs that say why the
 * session ended. Has the same place in the chain as `serviceCallers`.
 */
export function tokenHolders(tokens: TokenSignatures): Interceptor {
  return checked(async (call) => {
    admit(call, await tokens.verify(bearerToken(call.metadata)));
  });
}

function checked(check: CallerCheck): Interceptor {
  return <Request, Response>(next: Handler<Request, Response>) =>
    (request: Request, call: Call) => {
      const checking = check(call);
      return checking instanceof Promise ? checking.then(() => next(request, call)) : next(request, call);
    };
}

function requireClientCertificate(call: Call): void {
  if (!call.hasClientCertificate) throw unauthenticated('This rpc needs a client certificate.');
  call.caller = { how: 'certificate' };
}

function requireRole(
  tokens: CallerTokens,
  roles: readonly string[],
  requirements: Requirements,
): CallerCheck {
  return requireToken(tokens, requirements, (callerRoles) => {
    if (roles.some((role) => callerRoles.includes(role))) return;
    throw new Failure('CALLER_FORBIDDEN', `The caller does not have the role ${roles.join(' or ')}.`, {
      metadata: { required_role: roles[0] ?? '' },
    });
  });
}

/** @param checkRoles throws if the caller's roles do not suffice. */
function requireToken(
  tokens: CallerTokens,
  requirements: Requirements,
  checkRoles: (callerRoles: readonly string[]) => void,
): CallerCheck {
  const admitted = (call: Call, verdict: Verdict) => checkRoles(admit(call, verdict));
  return (call) => {
    const validated = tokens.validate(bearerToken(call.metadata), requirements);
    if (validated instanceof Promise) return validated.then(({ verdict }) => admitted(call, verdict));
    return admitted(call, validated.verdict);
  };
}

/** Sets the caller of the call and returns their roles. Throws if the token was rejected. */
function admit(call: Call, verdict: Verdict): readonly string[] {
  if (verdict.kind === 'rejected') {
    throw unauthenticated(`The caller's access token was rejected: ${verdict.reason}.`);
  }
  const { userId, sessionId, clientId, roles } = verdict.claims;
  call.caller = { how: 'token', userId, sessionId, clientId, roles };
  return roles;
}

function bearerToken(metadata: Metadata): string {
  // Metadata is bytes only under names that end in `-bin`.
  const entries = metadata.get('authorization') as string[];
  const token = bearerTokenOf(entries);
  if (token === undefined) {
    if (entries.length === 0) throw unauthenticated('This rpc needs `authorization: Bearer <access token>`.');
    throw unauthenticated('`authorization` must be a single entry of the form `Bearer <access token>`.');
  }
  return token;
}

function unauthenticated(message: string): Failure {
  return new Failure('CALLER_UNAUTHENTICATED', message);
}
