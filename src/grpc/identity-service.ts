import type { SessionService } from '../core/session/session-service.ts';
import type { LoginService } from '../core/sign-in/login-service.ts';
import type { TokenValidation } from '../core/validation/token-validation.ts';
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
import type { Requirements, ValidationResult } from '../validator/verdict.ts';
import { type Call, callSource } from './call.ts';
import { asEncoded, type EncodedMessage } from './encoding.ts';
import {
  checkBatchValidate,
  checkLogin,
  checkLogout,
  checkRefresh,
  checkRequirements,
} from './identity-fields.ts';
import {
  type CallerAuth,
  type CallerCheck,
  type FrontAuth,
  frontCheck,
  serviceCallers,
} from './interceptors/caller-auth.ts';
import {
  deviceOf,
  sessionMessage,
  signedInMessage,
  summaryMessage,
  tokensMessage,
} from './messages/session-message.ts';
import { ValidateEncoder } from './messages/validate-encoder.ts';
import { batchValidateResponse, requirementsOf } from './messages/verdict-message.ts';
import { BATCH_LIMITS } from './request-limits.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import { limitedNetwork, userAddress } from './user-address.ts';

/** The core services behind IdentityService. */
export interface IdentityCore {
  readonly login: Pick<LoginService, 'login'>;
  readonly sessions: Pick<SessionService, 'refresh' | 'logoutByRefreshToken' | 'logoutByAccessToken'>;
  readonly tokens: Pick<TokenValidation, 'validate'>;
  /** Called for every verdict with `accepted` or the reason of the rejection. */
  readonly onVerdict: (outcome: string) => void;
}

/** Which callers may call. */
export interface IdentityCallers {
  /** Who may call Validate and BatchValidate. */
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
  const checkFront = frontCheck(frontAuth, core.tokens);
  const encoder = new ValidateEncoder();
  return unaryService(
    IdentityServiceService,
    {
      login: {
        request: LoginRequest,
        response: LoginResponse,
        check: checkLogin,
        handle: (request, call) => login(core, request, call, checkFront),
      },
      refresh: {
        request: RefreshRequest,
        response: RefreshResponse,
        check: checkRefresh,
        handle: (request, call) => refresh(core, request, call, checkFront),
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
        check: checkRequirements,
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
  checkFront: CallerCheck,
): Promise<LoginResponse> {
  const ipAddress = await userAddress(request, call, checkFront);
  const { username, password, clientId, deviceToken, labels, endSessionId } = request;
  const outcome = await core.login.login({
    username,
    password,
    clientId,
    deviceToken,
    device: deviceOf(request.device),
    ipAddress,
    network: limitedNetwork(request, ipAddress),
    labels,
    endSessionId,
    source: callSource(call, 'sign-in', ipAddress),
    signal: call.signal,
  });
  if (outcome.kind === 'session-limit') {
    const sessions = outcome.sessions.map(summaryMessage);
    return { outcome: { $case: 'sessionLimit', value: { sessions } } };
  }
  return { outcome: { $case: 'signedIn', value: signedInMessage(outcome) } };
}

async function refresh(
  { sessions }: IdentityCore,
  request: RefreshRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<RefreshResponse> {
  const ipAddress = await userAddress(request, call, checkFront);
  const { refreshToken, clientId } = request;
  const { session, tokens } = await sessions.refresh({ refreshToken, clientId, ipAddress });
  return { tokens: tokensMessage(tokens), session: sessionMessage(session) };
}

async function logout({ sessions }: IdentityCore, { token }: LogoutRequest): Promise<LogoutResponse> {
  const value = token?.value ?? '';
  return token?.$case === 'accessToken'
    ? sessions.logoutByAccessToken(value)
    : sessions.logoutByRefreshToken(value);
}

/** Responds synchronously if the result is cached, without a turn of the event loop. */
function validate(
  { tokens, onVerdict }: IdentityCore,
  encoder: ValidateEncoder,
  request: ValidateRequest,
): EncodedMessage | Promise<EncodedMessage> {
  const validated = tokens.validate(request.accessToken, requirementsOf(request));
  return validated instanceof Promise
    ? validated.then((result) => encoder.encode(counted(result, onVerdict)))
    : encoder.encode(counted(validated, onVerdict));
}

function batchValidate(
  { tokens, onVerdict }: IdentityCore,
  request: BatchValidateRequest,
): BatchValidateResponse | Promise<BatchValidateResponse> {
  const requirements = requirementsOf(request);
  const cached: ValidationResult[] = [];
  // A token that is not cached costs a signature check or a store read. Equal tokens share one.
  const inProgress = new Map<string, Promise<ValidationResult>>();
  const inOrder = request.accessTokens.map((token) => {
    const validated = inProgress.get(token) ?? validateOrReject(tokens, token, requirements);
    if (validated instanceof Promise) inProgress.set(token, validated);
    else cached.push(validated);
    return validated;
  });
  const respond = (results: readonly ValidationResult[]) =>
    batchValidateResponse(results.map((result) => counted(result, onVerdict)));
  return inProgress.size === 0 ? respond(cached) : Promise.all(inOrder).then(respond);
}

/** Reports the verdict. Returns the same result. */
function counted(result: ValidationResult, onVerdict: IdentityCore['onVerdict']): ValidationResult {
  const { verdict } = result;
  onVerdict(verdict.kind === 'accepted' ? 'accepted' : verdict.reason);
  return result;
}

/** A synchronous throw would leave the pending results with unhandled rejections. */
function validateOrReject(
  tokens: IdentityCore['tokens'],
  token: string,
  requirements: Requirements,
): ValidationResult | Promise<ValidationResult> {
  try {
    return tokens.validate(token, requirements);
  } catch (error) {
    return Promise.reject(error);
  }
}
