import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LatchkeyError } from '../../client/index.ts';
import { type BffContext, livingSession } from '../bff-context.ts';
import { nextPath } from '../browser/next-path.ts';
import { sendPage } from '../http/answers.ts';
import { field, pathPart } from '../http/fields.ts';
import { pageOf, redirect } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import { ExternalLogins, type ProviderAnswer } from '../session/external-logins.ts';
import type { NoticeCode } from '../views.ts';
import { SignInPage } from './sign-in-page.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;
const OPTIONAL = { config: { needs: { session: 'optional' } } } as const;
const LINKED = '/providers';
/** Failures that end a flow. After any other one, the same answer may be sent again. */
const FINAL: ReadonlySet<NoticeCode> = new Set([
  'provider-refused',
  'provider-unavailable',
  'flow-unknown',
  'link-session-ended',
  'identity-not-linked',
  'identity-taken',
  'username-taken',
  'sign-in-risk',
  'form-refused',
]);

/** Sign-in through identity providers, and the page of the accounts that are linked. */
export function providerRoutes(app: FastifyInstance, context: BffContext): void {
  const logins = new ExternalLogins(context);
  const signInPage = new SignInPage(context);

  /** Sends the browser to the provider, by a page: see `LeaveView`. */
  const leave = async (
    request: FastifyRequest,
    reply: FastifyReply,
    purpose: 'sign-in' | 'link',
    next: string,
  ) => {
    const back = purpose === 'link' ? LINKED : `/sign-in?next=${encodeURIComponent(next)}`;
    const provider = field(request, 'provider');
    try {
      const url = await logins.begin(request, reply, provider, { purpose, next });
      const page = pageOf(context, request, reply);
      // A link that changes the language must load a page.
      const view = { page: { ...page, path: back }, provider: context.providers.nameOf(provider), url };
      return sendPage(reply, context.pages.leavePage(view));
    } catch (error) {
      const { notice } = asRefusal(error);
      if (notice !== 'provider-unavailable') throw error;
      return redirect(context, reply, back, notice);
    }
  };

  app.post('/sign-in/provider', OPTIONAL, (request, reply) =>
    leave(request, reply, 'sign-in', nextPath(field(request, 'next'))),
  );
  app.post('/providers/link', REQUIRED, (request, reply) => leave(request, reply, 'link', LINKED));

  const complete = async (request: FastifyRequest, reply: FastifyReply, answer: ProviderAnswer) => {
    const flow = logins.flowOf(request, answer);
    if (flow === undefined) return redirect(context, reply, '/sign-in', 'flow-unknown');
    const { purpose, next } = flow;
    try {
      const outcome = await logins.complete(request, reply, flow, answer);
      if (outcome.kind === 'signed-in') return redirect(context, reply, next);
      if (outcome.kind === 'linked') return redirect(context, reply, LINKED, 'identity-linked');
      const notice = { code: 'session-limit', retryAfterSeconds: undefined } as const;
      const query = `${answer.provider}?${answer.query}`;
      const sessionLimit = { by: 'provider', query, sessions: outcome.sessions } as const;
      return await signInPage.show(request, reply.code(409), { next, notice, sessionLimit });
    } catch (error) {
      const notice = isSessionEnded(error) ? 'link-session-ended' : asRefusal(error).notice;
      if (notice === undefined || !FINAL.has(notice)) throw error;
      context.flows.clear(reply);
      const back = purpose === 'link' ? LINKED : `/sign-in?next=${encodeURIComponent(next)}`;
      return redirect(context, reply, back, notice);
    }
  };

  app.get('/external/:provider/callback', OPTIONAL, (request, reply) => {
    const mark = request.url.indexOf('?');
    const query = mark < 0 ? '' : request.url.slice(mark + 1);
    return complete(request, reply, { provider: pathPart(request, 'provider'), query, endSessionId: '' });
  });

  // The same answer again, with a session to end at the session limit.
  app.post('/external/callback', OPTIONAL, (request, reply) => {
    const given = field(request, 'query');
    const mark = given.indexOf('?');
    const [provider, query] = [given.slice(0, mark), given.slice(mark + 1)];
    return complete(request, reply, { provider, query, endSessionId: field(request, 'end_session_id') });
  });

  app.get(LINKED, REQUIRED, async (request, reply) => {
    const providers = await context.providers.current();
    const identities = await logins.list(livingSession(request));
    const page = pageOf(context, request, reply);
    return sendPage(reply, context.pages.providersPage({ page, identities, providers }));
  });

  app.post('/providers/unlink', REQUIRED, async (request, reply) => {
    try {
      await logins.unlink(request, livingSession(request), field(request, 'identity_id'));
      return redirect(context, reply, LINKED, 'identity-unlinked');
    } catch (error) {
      const { notice } = asRefusal(error);
      // Repeated: it is not linked any more.
      if (notice !== 'identity-unlinked' && notice !== 'last-sign-in-method') throw error;
      return redirect(context, reply, LINKED, notice);
    }
  });
}

/** The session that wanted to link an account has ended. */
function isSessionEnded(error: unknown): boolean {
  return error instanceof LatchkeyError && error.reason === 'SESSION_ENDED';
}
