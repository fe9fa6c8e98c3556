import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext, RouteNeeds } from '../bff-context.ts';
import { checkSource, isSafeMethod } from '../browser/csrf.ts';
import { Refusal, unavailable } from '../refusal.ts';
import type { BrowserSession } from '../session/browser-sessions.ts';
import { isApi } from './answers.ts';
import { csrfSubjectOf, keepLanguage } from './page-view.ts';
import { refusalOf } from './service-refusal.ts';
import { answerSignedOut } from './signed-out.ts';

/** Checks each request before its handler: where it comes from, its session, and its CSRF token. */
export function guard(app: FastifyInstance, context: BffContext): void {
  app.decorateRequest('browserSession', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    context.cookies.refuseDuplicates(request.headers.cookie);
    checkSource(request, context.site.origin);
    done();
  });
  app.addHook('preHandler', async (request, reply) => {
    if (request.is404) return undefined;
    const { needs } = request.routeOptions.config;
    if (needs?.session !== undefined) {
      const session = await context.sessions.of(request);
      request.browserSession = session;
      const answer = answerTo(context, request, reply, session, needs);
      if (answer !== undefined) return answer;
    }
    if (!isSafeMethod(request) && needsToken(request, needs)) {
      context.csrf.check(request, csrfSubjectOf(context, request));
    }
    const path = isApi(request) ? undefined : keepLanguage(context, request, reply);
    return path === undefined ? undefined : reply.redirect(path, 303);
  });
  // Before the plugin that writes the cookies.
  app.addHook('onSend', ({ browserSession: session }, reply, _payload, done) => {
    if (session?.kind !== 'living' || session.refreshed === undefined) done();
    else context.sessions.setRefreshed(reply, session.refreshed).then(() => done(), done);
  });
}

function needsToken({ browserSession }: FastifyRequest, needs: RouteNeeds | undefined): boolean {
  if (needs?.csrf === 'living') return browserSession?.kind === 'living';
  return needs?.csrf !== 'none';
}

/** Undefined: the handler may run. */
function answerTo(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  session: BrowserSession,
  needs: RouteNeeds,
): FastifyReply | undefined {
  if (session.kind === 'living') return undefined;
  if (session.kind === 'unknown') throw unknownSession(session.error);
  return needs.session === 'optional' ? undefined : answerSignedOut(context, request, reply, session);
}

function unknownSession(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal instanceof Refusal && refusal.status === 503) return refusal;
  return unavailable('The service cannot say at present whether you are signed in. Try again.', error);
}
