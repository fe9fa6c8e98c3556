import type { SessionRef } from '../core/session/session.ts';
import type { ExternalCompletion } from '../core/sign-in/external-completion.ts';
import type { ExternalLogin } from '../core/sign-in/external-login.ts';
import type { Identities } from '../core/sign-in/identities.ts';
import { type UserDirectory, usernameOf } from '../core/user/user-directory.ts';
import {
  BeginExternalLoginRequest,
  BeginExternalLoginResponse,
  CompleteExternalLoginRequest,
  CompleteExternalLoginResponse,
  ExternalLoginServiceService,
  ListIdentitiesRequest,
  ListIdentitiesResponse,
  ListProvidersRequest,
  ListProvidersResponse,
  UnlinkIdentityRequest,
  UnlinkIdentityResponse,
} from '../gen/latchkey/v1/external_login.ts';
import { actorOf, type Call, signedInCaller } from './call.ts';
import {
  checkBeginExternalLogin,
  checkCompleteExternalLogin,
  checkUnlinkIdentity,
  flowIdIn,
} from './external-login-fields.ts';
import {
  type CallerCheck,
  type CallerTokens,
  type FrontAuth,
  frontCheck,
  signedInCallers,
  signedInCheck,
} from './interceptors/caller-auth.ts';
import { completionMessage, identityMessage } from './messages/identity-message.ts';
import { deviceOf } from './messages/session-message.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import { limitedNetwork, userAddress } from './user-address.ts';

/** The core services behind ExternalLoginService. */
export interface ExternalLoginCore {
  readonly login: Pick<ExternalLogin, 'list' | 'begin'>;
  readonly completion: Pick<ExternalCompletion, 'complete'>;
  readonly identities: Pick<Identities, 'list' | 'unlink'>;
  readonly users: Pick<UserDirectory, 'findById'>;
}

/** Which callers may call. */
export interface ExternalLoginCallers {
  readonly tokens: CallerTokens;
  /** Who may state an `origin`. */
  readonly frontAuth: FrontAuth;
}

interface Checks {
  readonly checkUser: CallerCheck;
  readonly checkFront: CallerCheck;
}

/** `latchkey.v1.ExternalLoginService`. The secret of a flow proves its browser, an access token the user who links. */
export function externalLoginService(
  core: ExternalLoginCore,
  { tokens, frontAuth }: ExternalLoginCallers,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = signedInCallers(tokens);
  const checks = { checkUser: signedInCheck(tokens), checkFront: frontCheck(frontAuth, tokens) };
  return unaryService(
    ExternalLoginServiceService,
    {
      listProviders: {
        request: ListProvidersRequest,
        response: ListProvidersResponse,
        check: () => undefined,
        handle: () => ({
          providers: core.login.list().map(({ name, displayName }) => ({ name, displayName })),
        }),
      },
      beginExternalLogin: {
        request: BeginExternalLoginRequest,
        response: BeginExternalLoginResponse,
        check: checkBeginExternalLogin,
        handle: (request, call) => begin(core.login, request, call, checks),
      },
      completeExternalLogin: {
        request: CompleteExternalLoginRequest,
        response: CompleteExternalLoginResponse,
        check: checkCompleteExternalLogin,
        handle: (request, call) => complete(core.completion, request, call, checks.checkFront),
      },
      listIdentities: {
        request: ListIdentitiesRequest,
        response: ListIdentitiesResponse,
        callers,
        check: () => undefined,
        handle: async (_request, call) => {
          const { userId } = signedInCaller(call);
          const identities = await core.identities.list(userId);
          const username = await usernameOf(core.users, userId);
          return { identities: identities.map(identityMessage), username };
        },
      },
      unlinkIdentity: {
        request: UnlinkIdentityRequest,
        response: UnlinkIdentityResponse,
        callers,
        check: checkUnlinkIdentity,
        handle: (request, call) => unlink(core.identities, request, call, checks.checkFront),
      },
    },
    environment,
  );
}

async function begin(
  login: ExternalLoginCore['login'],
  request: BeginExternalLoginRequest,
  call: Call,
  { checkUser, checkFront }: Checks,
): Promise<BeginExternalLoginResponse> {
  let linkingSession: SessionRef | undefined;
  if (request.link) {
    await checkUser(call);
    const { userId, sessionId } = signedInCaller(call);
    linkingSession = { userId, sessionId };
  }
  const network = limitedNetwork(request, await userAddress(request, call, checkFront));
  const { provider } = request;
  const flow = await login.begin({ provider, linkingSession, network, remainingMs: call.remainingMs });
  return { ...flow, expiresAt: new Date(flow.expiresAt) };
}

async function complete(
  completion: ExternalLoginCore['completion'],
  request: CompleteExternalLoginRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<CompleteExternalLoginResponse> {
  const ipAddress = await userAddress(request, call, checkFront);
  const { provider, callbackQuery, flowSecret, clientId, labels, deviceToken, endSessionId } = request;
  const answer = new URLSearchParams(callbackQuery);
  const completed = await completion.complete({
    provider,
    answer,
    flowSecret,
    clientId,
    labels,
    deviceToken,
    endSessionId,
    ipAddress,
    flowId: flowIdIn(answer) ?? '',
    device: deviceOf(request.device),
    remainingMs: call.remainingMs,
  });
  return completionMessage(completed);
}

async function unlink(
  identities: ExternalLoginCore['identities'],
  request: UnlinkIdentityRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<UnlinkIdentityResponse> {
  // Before the front is checked, which may be another caller: the holder of a certificate.
  const { userId, clientId } = signedInCaller(call);
  const actor = actorOf(call);
  const ipAddress = await userAddress(request, call, checkFront);
  const { provider, subject } = request;
  const source = { actor, origin: { ipAddress, clientId } };
  await identities.unlink(userId, { provider, subject }, source, { keepOne: true });
  return {};
}
