import type { Metadata } from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import type { TokenValidation } from '../../core/session/token-validation.ts';
import { ADMIN_ROLE } from '../../core/user/user.ts';
import type { Demand, Verdict } from '../../validator/verdict.ts';
import type { Call, Handler, Interceptor } from '../call.ts';

/** Judges the callers' own access tokens. */
export type CallerTokens = Pick<TokenValidation, 'judge'>;

/** Who may ask about tokens: anybody, holders of a client certificate, holders of a service's access token. */
export type CallerAuth = 'open' | 'mtls' | 'token';

/** The role of a service that may ask about tokens. An administrator may as well. */
const SERVICE_ROLE = 'service';

/** The role of a service that signs people in on their behalf and may say where they are. */
const FRONT_ROLE = 'front';

/** Who may state the `origin` of a person: nobody, holders of a client certificate, holders of a front's access token. */
export type FrontAuth = 'none' | 'mtls' | 'token';

/** Refuses the caller of a call, or notes on the call who it is. */
export type Admission = (call: Call) => void | Promise<void>;

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Admits the callers of Validate, BatchValidate and ValidationService, by LATCHKEY_CALLER_AUTH.
 *
 * Inside error translation and the deadline (a verdict on the caller may have to wait for a store); before the
 * request is decoded, so that a caller that is not admitted costs no decoding. It runs when the request is complete and
 * not when the headers arrive: a call that is admitted early could be kept open until after its session has ended.
 */
export function serviceCallers(kind: CallerAuth, tokens: CallerTokens): Interceptor {
  return kind === 'open' ? (next) => next : admitting(serviceAdmission(kind, tokens));
}

/** The rule of `serviceCallers` by itself: for calls that go on, and are looked at again. */
export function serviceAdmission(kind: CallerAuth, tokens: CallerTokens): Admission {
  switch (kind) {
    case 'open':
      return () => undefined;
    case 'mtls':
      return requireClientCertificate;
    case 'token':
      return requireRole(tokens, [SERVICE_ROLE, ADMIN_ROLE], { consistency: 'BOUNDED' });
  }
}

/** Admits fronts, by LATCHKEY_FRONT_AUTH. For the calls that state an `origin`: all others need no front. */
export function frontAdmission(kind: FrontAuth, tokens: CallerTokens): Admission {
  switch (kind) {
    case 'none':
      return () => {
        const why = '`origin` is accepted from a front only, and LATCHKEY_FRONT_AUTH is none.';
        throw new Failure('CALLER_FORBIDDEN', why, { metadata: { required_role: FRONT_ROLE } });
      };
    case 'mtls':
      return requireClientCertificate;
    case 'token':
      return requireRole(tokens, [FRONT_ROLE], { consistency: 'BOUNDED' });
  }
}

/**
 * Admits administrators only. Their session is read from the store at every call: whoever was disabled a moment
 * ago administers nothing any more. Stands where `serviceCallers` stands.
 *
 * @param tokens must judge with the roles of now (`CurrentRoles`): whose role was taken must not take it back.
 */
export function administrators(tokens: CallerTokens): Interceptor {
  return admitting(requireRole(tokens, [ADMIN_ROLE], { consistency: 'STRONG' }));
}

function admitting(admission: Admission): Interceptor {
  return <Request, Response>(next: Handler<Request, Response>) =>
    (request: Request, call: Call) => {
      const admitted = admission(call);
      return admitted instanceof Promise ? admitted.then(() => next(request, call)) : next(request, call);
    };
}

function requireClientCertificate(call: Call): void {
  if (!call.hasClientCertificate) throw unauthenticated('This call needs a client certificate.');
  call.caller = { how: 'certificate' };
}

function requireRole(tokens: CallerTokens, roles: readonly string[], demand: Demand): Admission {
  return (call) => {
    const judged = tokens.judge(bearerToken(call.metadata), demand);
    if (judged instanceof Promise) return judged.then(({ verdict }) => admit(call, verdict, roles));
    return admit(call, judged.verdict, roles);
  };
}

/** The token of the one `authorization` entry (RFC 6750, section 2.1). */
function bearerToken(metadata: Metadata): string {
  const [header, ...others] = metadata.get('authorization');
  if (header === undefined) throw unauthenticated('This call needs `authorization: Bearer <access token>`.');
  const token = others.length === 0 ? BEARER.exec(header.toString())?.[1] : undefined;
  if (token === undefined) {
    throw unauthenticated('`authorization` must be one entry of the form `Bearer <access token>`.');
  }
  return token;
}

function admit(call: Call, verdict: Verdict, roles: readonly string[]): void {
  if (verdict.kind === 'rejected') {
    throw unauthenticated(`The caller's access token is not good: ${verdict.reason}.`);
  }
  if (!roles.some((role) => verdict.claims.roles.includes(role))) {
    throw new Failure('CALLER_FORBIDDEN', `The caller does not have the role ${roles.join(' or ')}.`, {
      metadata: { required_role: roles[0] ?? '' },
    });
  }
  const { userId, sessionId, clientId, roles: callerRoles } = verdict.claims;
  call.caller = { how: 'token', userId, sessionId, clientId, roles: callerRoles };
}

function unauthenticated(message: string): Failure {
  return new Failure('CALLER_UNAUTHENTICATED', message);
}
