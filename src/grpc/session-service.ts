import type { FieldIssues } from '../core/field-issues.ts';
import type { SessionControl, SessionPage } from '../core/session/session-control.ts';
import type { SessionWatchers } from '../core/session/session-watchers.ts';
import type { PasswordChanges } from '../core/sign-in/password-change.ts';
import {
  ChangePasswordRequest,
  ChangePasswordResponse,
  EndOtherSessionsRequest,
  EndOtherSessionsResponse,
  EndSessionRequest,
  EndSessionResponse,
  ListSessionsRequest,
  ListSessionsResponse,
  SessionServiceService,
} from '../gen/latchkey/v1/session.ts';
import { actorOf, type Call, signedInCaller } from './call.ts';
import { checkDeviceToken, checkOrigin } from './identity-fields.ts';
import {
  type CallerCheck,
  type CallerTokens,
  type FrontAuth,
  frontCheck,
  signedInCallers,
  type TokenSignatures,
} from './interceptors/caller-auth.ts';
import { sessionMessage } from './messages/session-message.ts';
import { afterOf, checkPage, type PageFields, pageSizeOf, pageTokenOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { sessionWatch } from './session-watch.ts';
import { unaryService } from './unary.ts';
import { limitedNetwork, userAddress } from './user-address.ts';
import { UUID } from './user-fields.ts';

/** The core services behind SessionService. */
export interface SessionCore {
  readonly control: OwnSessions;
  readonly passwordChanges: Pick<PasswordChanges, 'change'>;
  readonly watchers: Pick<SessionWatchers, 'watch'>;
}

type OwnSessions = Pick<SessionControl, 'list' | 'end' | 'endOthers'>;

/** Which callers may call. */
export interface SessionCallers {
  readonly tokens: CallerTokens & TokenSignatures;
  /** Who may state an `origin`. */
  readonly frontAuth: FrontAuth;
}

/** `latchkey.v1.SessionService`. The user is always the caller: no request names one. */
export function sessionService(
  { control, passwordChanges, watchers }: SessionCore,
  { tokens, frontAuth }: SessionCallers,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = signedInCallers(tokens);
  const checkFront = frontCheck(frontAuth, tokens);
  const { watchSession: _streaming, ...definition } = SessionServiceService;
  const unary = unaryService(
    definition,
    {
      listSessions: {
        request: ListSessionsRequest,
        response: ListSessionsResponse,
        callers,
        check: checkSessionPage,
        handle: (request, call) => listSessions(control, request, call),
      },
      endSession: {
        request: EndSessionRequest,
        response: EndSessionResponse,
        callers,
        check: checkSessionId,
        handle: ({ sessionId }, call) =>
          control.end(signedInCaller(call).userId, sessionId, 'ENDED_BY_USER', actorOf(call)),
      },
      endOtherSessions: {
        request: EndOtherSessionsRequest,
        response: EndOtherSessionsResponse,
        callers,
        check: () => {},
        handle: (_request, call) => endOtherSessions(control, call),
      },
      changePassword: {
        request: ChangePasswordRequest,
        response: ChangePasswordResponse,
        callers,
        check: checkChangePassword,
        handle: (request, call) => changePassword(passwordChanges, request, call, checkFront),
      },
    },
    environment,
  );
  const streaming = sessionWatch(watchers, tokens, environment);
  return {
    ...streaming,
    definition: { ...unary.definition, ...streaming.definition },
    implementation: { ...unary.implementation, ...streaming.implementation },
  };
}

async function listSessions(
  sessions: OwnSessions,
  request: ListSessionsRequest,
  call: Call,
): Promise<ListSessionsResponse> {
  const { userId, sessionId } = signedInCaller(call);
  return sessionPageMessage(await sessions.list(userId, pageSizeOf(request), afterOf(request)), sessionId);
}

async function endOtherSessions(sessions: OwnSessions, call: Call): Promise<EndOtherSessionsResponse> {
  const { userId, sessionId } = signedInCaller(call);
  const { count, revision = '' } = await sessions.endOthers(userId, sessionId, actorOf(call));
  return { endedCount: count, revision };
}

async function changePassword(
  passwordChanges: SessionCore['passwordChanges'],
  request: ChangePasswordRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<ChangePasswordResponse> {
  // Before the front is checked, which may be another caller: the holder of a certificate.
  const { userId, sessionId, clientId } = signedInCaller(call);
  const ipAddress = await userAddress(request, call, checkFront);
  const { currentPassword, newPassword, deviceToken } = request;
  const { count, revision = '' } = await passwordChanges.change({
    caller: { kind: 'caller', userId, sessionId, clientId },
    currentPassword,
    newPassword,
    deviceToken,
    ipAddress,
    network: limitedNetwork(request, ipAddress),
    connection: call.connection,
    signal: call.signal,
  });
  return { endedCount: count, revision };
}

/** The passwords are not checked here. The core reports a new one that is too long, and takes a current one as wrong. */
function checkChangePassword({ origin, deviceToken }: ChangePasswordRequest, issues: FieldIssues): void {
  checkDeviceToken(deviceToken, issues);
  checkOrigin(origin, issues);
}

/** @param callerSessionId as in `sessionMessage`. */
export function sessionPageMessage(page: SessionPage, callerSessionId?: string): ListSessionsResponse {
  return {
    sessions: page.sessions.map((session) => sessionMessage(session, callerSessionId)),
    nextPageToken: page.next === undefined ? '' : pageTokenOf(page.next),
  };
}

export function checkSessionPage(request: PageFields, issues: FieldIssues): void {
  checkPage(request, UUID, issues);
}

export function checkSessionId({ sessionId }: { readonly sessionId: string }, issues: FieldIssues): void {
  if (!UUID.test(sessionId)) issues.add('session_id', 'must be a session id: a UUID in lower case');
}
