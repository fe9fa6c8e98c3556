import type { SessionControl } from '../core/session/session-control.ts';
import type { SessionHistory } from '../core/session/session-history.ts';
import {
  EndAllSessionsRequest,
  EndAllSessionsResponse,
  EndSessionRequest,
  EndSessionResponse,
  ExplainSessionRequest,
  ExplainSessionResponse,
  ListSessionsRequest,
  ListSessionsResponse,
  SessionServiceService,
} from '../gen/latchkey/admin/v1/session.ts';
import { actorOf } from './call.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import {
  explanationMessage,
  type SessionView,
  sessionPageMessage,
} from './messages/session-history-message.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { checkSessionId, checkSessionPage, listPage } from './session-service.ts';
import { unaryService } from './unary.ts';
import { checkUserId } from './user-fields.ts';

/** The core service behind admin.SessionService. */
export interface AdminSessionCore {
  readonly control: Pick<SessionControl, 'list' | 'end' | 'endAll'>;
  readonly history: Pick<SessionHistory, 'list' | 'explain'>;
}

const VIEW: SessionView = { isForOperators: true };

/** `latchkey.admin.v1.SessionService`. */
export function adminSessionService(
  { control, history }: AdminSessionCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = administrators(callerTokens);
  return unaryService(
    SessionServiceService,
    {
      listSessions: {
        request: ListSessionsRequest,
        response: ListSessionsResponse,
        callers,
        check: (request, issues) => {
          checkUserId(request, issues);
          checkSessionPage(request, issues);
        },
        handle: async (request) =>
          sessionPageMessage(await listPage(control, history, request.userId, request), VIEW),
      },
      explainSession: {
        request: ExplainSessionRequest,
        response: ExplainSessionResponse,
        callers,
        check: (request, issues) => {
          checkSessionId(request, issues);
          if (request.userId !== '') checkUserId(request, issues);
        },
        handle: async ({ sessionId, userId }) => {
          const explained = await history.explain(sessionId, userId === '' ? undefined : userId);
          return { explanation: explanationMessage(explained, VIEW) };
        },
      },
      endSession: {
        request: EndSessionRequest,
        response: EndSessionResponse,
        callers,
        check: (request, issues) => {
          checkUserId(request, issues);
          checkSessionId(request, issues);
        },
        handle: ({ userId, sessionId }, call) =>
          control.end(userId, sessionId, 'ENDED_BY_ADMIN', actorOf(call)),
      },
      endAllSessions: {
        request: EndAllSessionsRequest,
        response: EndAllSessionsResponse,
        callers,
        check: checkUserId,
        handle: ({ userId }, call) => control.endAll(userId, actorOf(call)),
      },
    },
    environment,
  );
}
