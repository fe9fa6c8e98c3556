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
import {
  type Admission,
  type CallerAuth,
  type FrontAuth,
  frontAdmission,
  serviceCallers,
} from './interceptors/caller-auth.ts';
import { deviceOf, endedSessionMessage, sessionMessage, tokensMessage } from './messages/session-message.ts';
import { ValidateEncoder } from './messages/validate-encoder.ts';
import { batchValidateResponse, demandOf } from './messages/verdict-message.ts';
import { canonicalAddress } from './peer-address.ts';
import { BATCH_LIMITS } from './request-limits.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';

/** What the rpcs of IdentityService are done with. */
export interface IdentityCore {
  readonly login: Pick<LoginService, 'login'>;
  readonly sessions: Pick<SessionService, 'refresh' | 'logoutByRefreshToken' | 'logoutByAccessToken'>;
  readonly tokens: Pick<TokenValidation, 'judge'>;
  /** Told of every verdict that was asked for: `accepted`, or the reason of the rejection. */
  readonly onVerdict: (outcome: string) => void;
}

/** Which callers are admitted. */
export interface IdentityCallers {
  /** Of Validate and BatchValidate. */
  readonly callerAuth: CallerAuth;
  /** Who may state an `origin`. */
  readonly frontAuth: FrontAuth;
}

/** `latchkey.v1.IdentityService`. */
export function identityService(
  core: IdentityCore,
  { callerAuth, frontAuth }: IdentityCallers,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = serviceCallers(callerAuth, core.tokens);
  const admitFront = frontAdmission(frontAuth, core.tokens);
  const encoder = new ValidateEncoder();
  return unaryService(
    IdentityServiceService,
    {
      login: {
        request: LoginRequest,
        response: LoginResponse,
        check: checkLogin,
        handle: (request, call) => login(core, request, call, admitFront),
      },
      refresh: {
        request: RefreshRequest,
        response: RefreshResponse,
        check: checkRefresh,
        handle: (request, call) => refresh(core, request, call, admitFront),
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

async function login(
  core: IdentityCore,
  request: LoginRequest,
  call: Call,
  admitFront: Admission,
): Promise<LoginResponse> {
  const ipAddress = await personAddress(request, call, admitFront);
  const { username, password, clientId } = request;
  const { session, tokens, replaced } = await core.login.login({
    username,
    password,
    clientId,
    device: deviceOf(request.device),
    ipAddress,
    source: callSource(call, 'sign-in', ipAddress),
    signal: call.signal,
  });
  const signedIn = {
    tokens: tokensMessage(tokens),
    session: sessionMessage(session),
    endedSessions: replaced.map(endedSessionMessage),
  };
  return { outcome: { $case: 'signedIn', value: signedIn } };
}

async function refresh(
  { sessions }: IdentityCore,
  request: RefreshRequest,
  call: Call,
  admitFront: Admission,
): Promise<RefreshResponse> {
  const ipAddress = await personAddress(request, call, admitFront);
  const { refreshToken, clientId } = request;
  const { session, tokens } = await sessions.refresh({ refreshToken, clientId, ipAddress });
  return { tokens: tokensMessage(tokens), session: sessionMessage(session) };
}

/** Where the person is: as a front states it, or else where the call comes from. Refuses an origin from anybody else. */
async function personAddress(
  { origin }: Pick<LoginRequest, 'origin'>,
  call: Call,
  admitFront: Admission,
): Promise<string> {
  if (origin === undefined) return call.peerAddress;
  await admitFront(call);
  return canonicalAddress(origin.ipAddress);
}

async function logout({ sessions }: IdentityCore, { token }: LogoutRequest): Promise<LogoutResponse> {
  const value = token?.value ?? '';
  return token?.$case === 'accessToken'
    ? sessions.logoutByAccessToken(value)
    : sessions.logoutByRefreshToken(value);
}

/** Makes no promise where the judgement was at hand: a token seen before is answered in the same turn. */
function validate(
  { tokens, onVerdict }: IdentityCore,
  encoder: ValidateEncoder,
  request: ValidateRequest,
): EncodedMessage | Promise<EncodedMessage> {
  const judged = tokens.judge(request.accessToken, demandOf(request));
  const answer = (judgement: Judgement) => {
    count(judgement, onVerdict);
    return encoder.encode(judgement);
  };
  return judged instanceof Promise ? judged.then(answer) : answer(judged);
}

function batchValidate(
  { tokens, onVerdict }: IdentityCore,
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
  const answer = (judgements: readonly Judgement[]) => {
    for (const judgement of judgements) count(judgement, onVerdict);
    return batchValidateResponse(judgements);
  };
  return underWay.size === 0 ? answer(atHand) : Promise.all(inOrder).then(answer);
}

function count({ verdict }: Judgement, onVerdict: IdentityCore['onVerdict']): void {
  onVerdict(verdict.kind === 'accepted' ? 'accepted' : verdict.reason);
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
