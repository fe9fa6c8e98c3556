// What users do with their own sessions and password. Each function throws a LatchkeyError or a Refusal.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SessionEvent } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf } from '../browser/device.ts';
import type { SendEvent } from '../browser/event-streams.ts';
import { Refusal } from '../refusal.ts';
import type { SessionEndedEvent, SessionHistoryView, SessionView } from '../views.ts';
import { endOf, type LivingSession } from './browser-sessions.ts';
import { withDeviceToken } from './device-token.ts';
import { historyView, sessionView } from './session-views.ts';
import { forgetSession } from './sign-ins.ts';

/** A page of the sessions of a user. */
export interface SessionPage {
  readonly sessions: readonly SessionView[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
  /** Empty: unknown. */
  readonly username: string;
}

const PAGE_SIZE = 50;
const SESSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The living sessions, then those that ended. @param pageToken empty: the first page. */
export async function listSessions(
  context: BffContext,
  { identity, accessToken }: LivingSession,
  pageToken: string,
): Promise<SessionPage> {
  const request = { pageSize: PAGE_SIZE, pageToken, includeEnded: true };
  const page = await context.client.sessions.listSessions(request, { token: accessToken });
  const sessions = page.sessions.map((session) => sessionView(session, identity.sessionId));
  return { sessions, nextPageToken: page.nextPageToken, username: page.username };
}

/** What happened to a session. */
export async function explainSession(
  context: BffContext,
  { identity, accessToken }: LivingSession,
  sessionId: string,
): Promise<Omit<SessionHistoryView, 'page'>> {
  const request = { sessionId: validSessionId(sessionId) };
  const { explanation } = await context.client.sessions.explainSession(request, {
    token: accessToken,
  });
  const view = explanation && historyView(explanation, identity.sessionId);
  if (view === undefined) throw notFound();
  return view;
}

/** Ends one session. Returns whether it was the browser's own; then the browser is signed out. */
export async function endSession(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { identity, accessToken }: LivingSession,
  sessionId: string,
): Promise<boolean> {
  const options = { token: accessToken };
  await context.client.sessions.endSession({ sessionId: validSessionId(sessionId) }, options);
  const isOwn = sessionId === identity.sessionId;
  if (isOwn) forgetSession(context, request, reply);
  return isOwn;
}

/** Ends all sessions of the user but this one. Returns how many ended. */
export async function endOtherSessions(context: BffContext, { accessToken }: LivingSession): Promise<number> {
  const ended = await context.client.sessions.endOtherSessions({}, { token: accessToken });
  return ended.endedCount;
}

/** Changes the password. Returns how many other sessions ended. */
export async function changePassword(
  context: BffContext,
  request: FastifyRequest,
  { accessToken }: LivingSession,
  currentPassword: string,
  newPassword: string,
): Promise<number> {
  const { client, cookies, front } = context;
  const { deviceToken } = deviceOf(request, cookies);
  const change = { currentPassword, newPassword, origin: front.userOrigin(request) };
  const { endedCount } = await withDeviceToken(deviceToken, (token) =>
    client.sessions.changePassword({ ...change, deviceToken: token }, { token: accessToken }),
  );
  return endedCount;
}

/**
 * Sends what happens to the session of the browser, and which other sessions of its user end. It never refreshes: an
 * open stream cannot set cookies. If the token has expired when a connection is lost, the stream ends, and the browser
 * opens another one.
 */
export async function followSession(
  context: BffContext,
  { identity, accessToken }: LivingSession,
  send: SendEvent,
  signal: AbortSignal,
): Promise<void> {
  const { client, revocations } = context;
  const stop = revocations.listen(identity.userId, (revocation) => {
    const sessionId = revocation.kind === 'session' ? revocation.sessionId : '';
    if (sessionId === identity.sessionId) return;
    const { endReason, endedBy } = endOf(revocation.reason);
    const endedAt = revocation.endedAt.toISOString();
    send('session-ended', { sessionId, endReason, endedBy, endedAt } satisfies SessionEndedEvent);
  });
  try {
    for await (const event of client.watchSession({ token: accessToken, signal })) {
      send(event.kind, event.kind === 'ended' ? endedEvent(event, identity.sessionId) : {});
    }
  } finally {
    stop();
  }
}

function endedEvent(
  { endReason, endedAt, endedBy }: Extract<SessionEvent, { readonly kind: 'ended' }>,
  sessionId: string,
): SessionEndedEvent {
  return { sessionId, endReason, endedBy, endedAt: endedAt?.toISOString() ?? '' };
}

function validSessionId(sessionId: string): string {
  if (SESSION_ID.test(sessionId)) return sessionId;
  throw notFound();
}

function notFound(): Refusal {
  const more = { reason: 'SESSION_NOT_FOUND', notice: 'session-not-found' } as const;
  return new Refusal(404, 'not-found', 'There is no such session.', more);
}
