import type { SessionControl } from '../core/session/session-control.ts';
import {
  EndAllSessionsRequest,
  EndAllSessionsResponse,
  EndSessionRequest,
  EndSessionResponse,
  ListSessionsRequest,
  ListSessionsResponse,
  SessionServiceService,
} from '../gen/latchkey/admin/v1/session.ts';
import { actorOf } from './call.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import { afterOf, pageSizeOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { checkSessionId, checkSessionPage, sessionPageMessage } from './session-service.ts';
import { unaryService } from './unary.ts';
import { checkUserId } from './user-fields.ts';

/** The core service behind admin.SessionService. */
export type AdminSessionCore = Pick<SessionControl, 'list' | 'end' | 'endAll'>;

/** `latchkey.admin.v1.SessionService`. */
export function adminSessionService(
  sessions: AdminSessionCore,
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
          sessionPageMessage(await sessions.list(request.userId, pageSizeOf(request), afterOf(request))),
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
          sessions.end(userId, sessionId, 'ENDED_BY_ADMIN', actorOf(call)),
      },
      endAllSessions: {
        request: EndAllSessionsRequest,
        response: EndAllSessionsResponse,
        callers,
        check: checkUserId,
        handle: ({ userId }, call) => sessions.endAll(userId, actorOf(call)),
      },
    },
    environment,
  );
}
