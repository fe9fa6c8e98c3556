import type { LoginService } from '../core/login/login-service.ts';
import type { SessionService } from '../core/session/session-service.ts';
import type { TokenValidation } from '../core/session/token-validation.ts';
import {
  BatchValidateRequest,
  BatchValidateResponse,
  IdentityServiceService,
  LoginRequest,
  LoginResponse,
  LogoutRequest,
  LogoutResponse,
  RefreshRequest,
  RefreshResponse,
  ValidateRequest,
} from '../gen/latchkey/v1/identity.ts';
import type { Demand, Judgement } from '../validator/verdict.ts';
import type { Call } from './call.ts';
import { callSource } from './call-source.ts';
import { asEncoded, type EncodedMessage } from './encoding.ts';
import {
  checkBatchValidate,
  checkLogin,
  checkLogout,
  checkRefresh,
  checkValidate,
} from './identity-fields.ts';
import { type CallerAuth, serviceCallers } from './interceptors/caller-auth.ts';
import { deviceOf, endedSessionMessage, sessionMessage, tokensMessage } from './messages/session-message.ts';
import { ValidateEncoder } from './messages/validate-encoder.ts';
import { batchValidateResponse, demandOf } from './messages/verdict-message.ts';
import { BATCH_LIMITS } from './request-limits.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';

/** What the rpcs of IdentityService are done with. */
export interface IdentityCore {
  readonly login: Pick<LoginService, 'login'>;
  readonly sessions: Pick<SessionService, 'refresh' | 'logoutByRefreshToken' | 'logoutByAccessToken'>;
  readonly tokens: Pick<TokenValidation, 'judge'>;
}

/** `latchkey.v1.IdentityService`. */
export function identityService(
  core: IdentityCore,
  callerAuth: CallerAuth,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = serviceCallers(callerAuth, core.tokens);
  const encoder = new ValidateEncoder();
  return unaryService(
    IdentityServiceService,
    {
      login: {
        request: LoginRequest,
        response: LoginResponse,
        check: checkLogin,
        handle: (request, call) => login(core, request, call),
      },
      refresh: {
        request: RefreshRequest,
        response: RefreshResponse,
        check: checkRefresh,
        handle: (request) => refresh(core, request),
      },
      logout: {
        request: LogoutRequest,
        response: LogoutResponse,
        check: checkLogout,
        handle: (request) => logout(core, request),
      },
      validate: {
        request: ValidateRequest,
        response: asEncoded,
        callers,
        check: checkValidate,
        handle: (request) => validate(core, encoder, request),
      },
      batchValidate: {
        request: BatchValidateRequest,
        response: BatchValidateResponse,
        limits: BATCH_LIMITS,
        callers,
        check: checkBatchValidate,
        handle: (request) => batchValidate(core, request),
      },
    },
    environment,
  );
}

async function login(core: IdentityCore, request: LoginRequest, call: Call): Promise<LoginResponse> {
  const { username, password, clientId } = request;
  const { session, tokens, replaced } = await core.login.login({
    username,
    password,
    clientId,
    device: deviceOf(request.device),
    ipAddress: call.peerAddress,
    source: callSource(call, 'sign-in'),
    signal: call.signal,
  });
  const signedIn = {
    tokens: tokensMessage(tokens),
    session: sessionMessage(session),
    endedSessions: replaced.map(endedSessionMessage),
  };
  return { outcome: { $case: 'signedIn', value: signedIn } };
}

async function refresh(core: IdentityCore, { refreshToken }: RefreshRequest): Promise<RefreshResponse> {
  const { session, tokens } = await core.sessions.refresh(refreshToken);
  return { tokens: tokensMessage(tokens), session: sessionMessage(session) };
}

async function logout({ sessions }: IdentityCore, { token }: LogoutRequest): Promise<LogoutResponse> {
  const value = token?.value ?? '';
  return token?.$case === 'accessToken'
    ? sessions.logoutByAccessToken(value)
    : sessions.logoutByRefreshToken(value);
}

/** Makes no promise where the judgement was at hand: a token seen before is answered in the same turn. */
function validate(
  { tokens }: IdentityCore,
  encoder: ValidateEncoder,
  request: ValidateRequest,
): EncodedMessage | Promise<EncodedMessage> {
  const judged = tokens.judge(request.accessToken, demandOf(request));
  return judged instanceof Promise
    ? judged.then((judgement) => encoder.encode(judgement))
    : encoder.encode(judged);
}

function batchValidate(
  { tokens }: IdentityCore,
  request: BatchValidateRequest,
): BatchValidateResponse | Promise<BatchValidateResponse> {
  const demand = demandOf(request);
  const atHand: Judgement[] = [];
  // A token without a verdict at hand costs a signature check or a store read: done once for each distinct token.
  const underWay = new Map<string, Promise<Judgement>>();
  const inOrder = request.accessTokens.map((token) => {
    const judged = underWay.get(token) ?? judgeOrReject(tokens, token, demand);
    if (judged instanceof Promise) underWay.set(token, judged);
    else atHand.push(judged);
    return judged;
  });
  return underWay.size === 0
    ? batchValidateResponse(atHand)
    : Promise.all(inOrder).then(batchValidateResponse);
}

/** A throw would leave the judgements already under way with nobody to hear of their failures. */
function judgeOrReject(
  tokens: IdentityCore['tokens'],
  token: string,
  demand: Demand,
): Judgement | Promise<Judgement> {
  try {
    return tokens.judge(token, demand);
  } catch (error) {
    return Promise.reject(error);
  }
}
