import type { FieldIssues } from '../core/field-issues.ts';
import type { SessionControl, SessionPage } from '../core/session/session-control.ts';
import {
  EndOtherSessionsRequest,
  EndOtherSessionsResponse,
  EndSessionRequest,
  EndSessionResponse,
  ListSessionsRequest,
  ListSessionsResponse,
  SessionServiceService,
} from '../gen/latchkey/v1/session.ts';
import { actorOf, type Call, signedInCaller } from './call.ts';
import { type CallerTokens, signedInCallers } from './interceptors/caller-auth.ts';
import { sessionMessage } from './messages/session-message.ts';
import { afterOf, checkPage, type PageFields, pageSizeOf, pageTokenOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';
import { UUID } from './user-fields.ts';

/** The core service behind SessionService. */
export type SessionCore = Pick<SessionControl, 'list' | 'end' | 'endOthers'>;

/** `latchkey.v1.SessionService`. The user is always the caller: no request names one. */
export function sessionService(
  sessions: SessionCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = signedInCallers(callerTokens);
  return unaryService(
    SessionServiceService,
    {
      listSessions: {
        request: ListSessionsRequest,
        response: ListSessionsResponse,
        callers,
        check: checkSessionPage,
        handle: (request, call) => listSessions(sessions, request, call),
      },
      endSession: {
        request: EndSessionRequest,
        response: EndSessionResponse,
        callers,
        check: checkSessionId,
        handle: ({ sessionId }, call) =>
          sessions.end(signedInCaller(call).userId, sessionId, 'ENDED_BY_USER', actorOf(call)),
      },
      endOtherSessions: {
        request: EndOtherSessionsRequest,
        response: EndOtherSessionsResponse,
        callers,
        check: () => {},
        handle: (_request, call) => endOtherSessions(sessions, call),
      },
    },
    environment,
  );
}

async function listSessions(
  sessions: SessionCore,
  request: ListSessionsRequest,
  call: Call,
): Promise<ListSessionsResponse> {
  const { userId, sessionId } = signedInCaller(call);
  return sessionPageMessage(await sessions.list(userId, pageSizeOf(request), afterOf(request)), sessionId);
}

async function endOtherSessions(sessions: SessionCore, call: Call): Promise<EndOtherSessionsResponse> {
  const { userId, sessionId } = signedInCaller(call);
  const { count, revision = '' } = await sessions.endOthers(userId, sessionId, actorOf(call));
  return { endedCount: count, revision };
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
