import type { FieldIssues } from '../core/field-issues.ts';
import { UUID_TEXT } from '../core/ids.ts';
import type { SessionControl } from '../core/session/session-control.ts';
import { ENDED_PAGE, type FullSessionPage, type SessionHistory } from '../core/session/session-history.ts';
import type { SessionWatchers } from '../core/session/session-watchers.ts';
import type { PasswordChanges } from '../core/sign-in/password-change.ts';
import { type UserDirectory, usernameOf } from '../core/user/user-directory.ts';
import {
  ChangePasswordRequest,
  ChangePasswordResponse,
  EndOtherSessionsRequest,
  EndOtherSessionsResponse,
  EndSessionRequest,
  EndSessionResponse,
  ExplainSessionRequest,
  ExplainSessionResponse,
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
import { explanationMessage, sessionPageMessage } from './messages/session-history-message.ts';
import { afterOf, checkPage, type PageFields, pageSizeOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { sessionWatch } from './session-watch.ts';
import { unaryService } from './unary.ts';
import { limitedNetwork, userAddress } from './user-address.ts';

/** The core services behind SessionService. */
export interface SessionCore {
  readonly control: OwnSessions;
  readonly history: Pick<SessionHistory, 'list' | 'explain'>;
  readonly passwordChanges: Pick<PasswordChanges, 'change'>;
  readonly watchers: Pick<SessionWatchers, 'watch'>;
  readonly users: Pick<UserDirectory, 'findById'>;
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
  core: SessionCore,
  { tokens, frontAuth }: SessionCallers,
  environment: CallEnvironment,
): ServiceRegistration {
  const { control, history, passwordChanges, watchers } = core;
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
        handle: (request, call) => listSessions(core, request, call),
      },
      explainSession: {
        request: ExplainSessionRequest,
        response: ExplainSessionResponse,
        callers,
        check: checkSessionId,
        handle: async ({ sessionId }, call) => {
          const { userId, sessionId: callerSessionId } = signedInCaller(call);
          const explained = await history.explain(sessionId, userId);
          return { explanation: explanationMessage(explained, { callerSessionId, isForOperators: false }) };
        },
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
  { control, history, users }: SessionCore,
  request: ListSessionsRequest,
  call: Call,
): Promise<ListSessionsResponse> {
  const { userId, sessionId } = signedInCaller(call);
  const page = await listPage(control, history, userId, request);
  const message = sessionPageMessage(page, { callerSessionId: sessionId, isForOperators: false });
  return { ...message, username: await usernameOf(users, userId) };
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

/** Which page of a list of sessions to read. */
interface SessionPageFields extends PageFields {
  readonly includeEnded: boolean;
}

const UUID_OR_ENDED = new RegExp(`^(?:${ENDED_PAGE})?${UUID_TEXT.source.slice(1)}`);

/** @param living lists them without the audit trail, so also while the database is unavailable. */
export async function listPage(
  living: Pick<SessionControl, 'list'>,
  all: Pick<SessionHistory, 'list'>,
  userId: string,
  request: SessionPageFields,
): Promise<FullSessionPage> {
  const page = [userId, pageSizeOf(request), afterOf(request)] as const;
  return request.includeEnded ? all.list(...page) : { ...(await living.list(...page)), ended: [] };
}

export function checkSessionPage(request: SessionPageFields, issues: FieldIssues): void {
  checkPage(request, request.includeEnded ? UUID_OR_ENDED : UUID_TEXT, issues);
}

export function checkSessionId({ sessionId }: { readonly sessionId: string }, issues: FieldIssues): void {
  if (!UUID_TEXT.test(sessionId)) issues.add('session_id', 'must be a session id: a UUID in lower case');
}
