import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SessionEvent } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf } from '../browser/device.ts';
import type { SendEvent } from '../http/event-streams.ts';
import { Refusal } from '../http/refusal.ts';
import type { SessionEndedEvent, SessionHistoryView, SessionView } from '../views.ts';
import { endOf, type LivingSession } from './browser-sessions.ts';
import { withDeviceToken } from './device-token.ts';
import { historyView, sessionView } from './session-views.ts';
import { SignIns } from './sign-ins.ts';

/** A page of the sessions of a user. */
export interface SessionPage {
  readonly sessions: readonly SessionView[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 50;
const SESSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the user of a browser does with their sessions and password. Each method throws a LatchkeyError or a Refusal. */
export class OwnSessions {
  readonly #context: BffContext;
  readonly #signIns: SignIns;

  constructor(context: BffContext) {
    this.#context = context;
    this.#signIns = new SignIns(context);
  }

  /** The living sessions, then those that ended. @param pageToken empty: the first page. */
  async list({ identity, accessToken }: LivingSession, pageToken: string): Promise<SessionPage> {
    const request = { pageSize: PAGE_SIZE, pageToken, includeEnded: true };
    const page = await this.#context.client.sessions.listSessions(request, { token: accessToken });
    const sessions = page.sessions.map((session) => sessionView(session, identity.sessionId));
    return { sessions, nextPageToken: page.nextPageToken };
  }

  async explain(
    { identity, accessToken }: LivingSession,
    sessionId: string,
  ): Promise<Omit<SessionHistoryView, 'page'>> {
    const request = { sessionId: checked(sessionId) };
    const { explanation } = await this.#context.client.sessions.explainSession(request, {
      token: accessToken,
    });
    const view = explanation && historyView(explanation, identity.sessionId);
    if (view === undefined) throw notFound();
    return view;
  }

  /** Ends one session. Returns whether it was that of the browser, which is signed out then. */
  async end(
    request: FastifyRequest,
    reply: FastifyReply,
    { identity, accessToken }: LivingSession,
    sessionId: string,
  ): Promise<boolean> {
    const options = { token: accessToken };
    await this.#context.client.sessions.endSession({ sessionId: checked(sessionId) }, options);
    const isOwn = sessionId === identity.sessionId;
    if (isOwn) this.#signIns.signedOut(request, reply);
    return isOwn;
  }

  /** Returns how many ended. */
  async endOthers({ accessToken }: LivingSession): Promise<number> {
    const ended = await this.#context.client.sessions.endOtherSessions({}, { token: accessToken });
    return ended.endedCount;
  }

  /** Returns how many other sessions ended. */
  async changePassword(
    request: FastifyRequest,
    { accessToken }: LivingSession,
    currentPassword: string,
    newPassword: string,
  ): Promise<number> {
    const { client, cookies, front } = this.#context;
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
  async follow(
    { identity, accessToken }: LivingSession,
    send: SendEvent,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, ends } = this.#context;
    const stop = ends.listen(identity.userId, (revocation) => {
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
}

function endedEvent(
  { endReason, endedAt, endedBy }: Extract<SessionEvent, { readonly kind: 'ended' }>,
  sessionId: string,
): SessionEndedEvent {
  return { sessionId, endReason, endedBy, endedAt: endedAt?.toISOString() ?? '' };
}

function checked(sessionId: string): string {
  if (SESSION_ID.test(sessionId)) return sessionId;
  throw notFound();
}

function notFound(): Refusal {
  const more = { reason: 'SESSION_NOT_FOUND', notice: 'session-not-found' } as const;
  return new Refusal(404, 'not-found', 'There is no such session.', more);
}
