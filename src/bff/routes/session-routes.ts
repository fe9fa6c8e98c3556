import type { FastifyInstance } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { field, parameter, pathPart } from '../http/fields.ts';
import { pageOf, redirect } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import { endOtherSessions, endSession, explainSession, listSessions } from '../session/own-sessions.ts';
import type { SessionView } from '../views.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;

/** The pages of a signed-in person: devices, and what happened to a session. */
export function sessionRoutes(app: FastifyInstance, context: BffContext): void {
  app.get('/', (_request, reply) => redirect(context, reply, '/devices'));

  app.get('/devices', REQUIRED, async (request, reply) => {
    const list = await listSessions(context, livingSession(request), parameter(request, 'page'));
    const { sessions, nextPageToken, username } = list;
    const html = context.pages.devicesPage({
      page: pageOf(context, request, reply),
      username,
      sessions: currentFirst(sessions.filter(({ ended }) => ended === undefined)),
      endedSessions: sessions.filter(({ ended }) => ended !== undefined).sort(byEnd),
      nextPagePath: nextPageToken === '' ? undefined : `/devices?page=${encodeURIComponent(nextPageToken)}`,
    });
    return sendPage(reply, html);
  });

  app.post('/devices/end', REQUIRED, async (request, reply) => {
    try {
      const isOwn = await endSession(
        context,
        request,
        reply,
        livingSession(request),
        field(request, 'session_id'),
      );
      return isOwn
        ? redirect(context, reply, '/sign-in', 'signed-out')
        : redirect(context, reply, '/devices', 'session-ended-by-you');
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.notice !== 'session-not-found') throw refusal;
      return redirect(context, reply, '/devices', refusal.notice);
    }
  });

  app.post('/devices/end-others', REQUIRED, async (request, reply) => {
    await endOtherSessions(context, livingSession(request));
    return redirect(context, reply, '/devices', 'others-ended');
  });

  app.get('/sessions/:sessionId', REQUIRED, async (request, reply) => {
    const history = await explainSession(context, livingSession(request), pathPart(request, 'sessionId'));
    const page = pageOf(context, request, reply);
    return sendPage(reply, context.pages.sessionHistoryPage({ page, ...history }));
  });
}

function currentFirst(sessions: readonly SessionView[]): readonly SessionView[] {
  return [...sessions].sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

/** The latest end first. */
function byEnd(a: SessionView, b: SessionView): number {
  return (b.ended?.endedAt?.getTime() ?? 0) - (a.ended?.endedAt?.getTime() ?? 0);
}
