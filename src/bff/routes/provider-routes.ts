import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LatchkeyError } from '../../client/index.ts';
import { type BffContext, livingSession } from '../bff-context.ts';
import type { BrowserFlow } from '../browser/flow-cookie.ts';
import { nextPath, signInPath } from '../browser/next-path.ts';
import { sendPage } from '../http/answers.ts';
import { field, pathPart } from '../http/fields.ts';
import { pageOf, redirect } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import {
  beginFlow,
  completeFlow,
  flowOf,
  listIdentities,
  type ProviderAnswer,
  unlinkIdentity,
} from '../session/external-logins.ts';
import type { NoticeCode } from '../views.ts';
import { showSignIn } from './sign-in-page.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;
const OPTIONAL = { config: { needs: { session: 'optional' } } } as const;
type Purpose = BrowserFlow['purpose'];

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
  /** Sends the browser to the provider, by a page: see `ProviderRedirectView`. */
  const sendToProvider = async (
    request: FastifyRequest,
    reply: FastifyReply,
    purpose: Purpose,
    next: string,
  ) => {
    const back = pathBack(purpose, next);
    const provider = field(request, 'provider');
    try {
      const url = await beginFlow(context, request, reply, provider, { purpose, next });
      const page = pageOf(context, request, reply, { path: back });
      const view = { page, provider: context.providers.named(provider), url };
      return sendPage(reply, context.pages.providerRedirectPage(view));
    } catch (error) {
      const { notice } = asRefusal(error);
      if (notice !== 'provider-unavailable') throw error;
      return redirect(context, reply, back, notice);
    }
  };

  app.post('/sign-in/provider', OPTIONAL, (request, reply) =>
    sendToProvider(request, reply, 'sign-in', nextPath(field(request, 'next'))),
  );
  app.post('/providers/link', REQUIRED, (request, reply) => sendToProvider(request, reply, 'link', LINKED));

  const complete = async (request: FastifyRequest, reply: FastifyReply, answer: ProviderAnswer) => {
    const flow = flowOf(context, request, answer);
    if (flow === undefined) return redirect(context, reply, '/sign-in', 'flow-unknown');
    const { purpose, next } = flow;
    try {
      const outcome = await completeFlow(context, request, reply, flow, answer);
      if (outcome.kind === 'signed-in') return redirect(context, reply, next);
      if (outcome.kind === 'linked') return redirect(context, reply, LINKED, 'identity-linked');
      const notice = { code: 'session-limit', retryAfterSeconds: undefined } as const;
      const sessionLimit = { by: 'provider', answer, sessions: outcome.sessions } as const;
      return await showSignIn(context, request, reply.code(409), { next, notice, sessionLimit });
    } catch (error) {
      const notice = isSessionEnded(error) ? 'link-session-ended' : asRefusal(error).notice;
      if (notice === undefined || !FINAL.has(notice)) throw error;
      context.flows.clear(reply);
      return redirect(context, reply, pathBack(purpose, next), notice);
    }
  };

  app.get('/external/:provider/callback', OPTIONAL, (request, reply) => {
    const mark = request.url.indexOf('?');
    const query = mark < 0 ? '' : request.url.slice(mark + 1);
    return complete(request, reply, { provider: pathPart(request, 'provider'), query, endSessionId: '' });
  });

  // The same answer again, with a session to end at the session limit.
  app.post('/external/callback', OPTIONAL, (request, reply) => {
    const provider = field(request, 'provider');
    const query = field(request, 'query');
    return complete(request, reply, { provider, query, endSessionId: field(request, 'end_session_id') });
  });

  app.get(LINKED, REQUIRED, async (request, reply) => {
    const providers = await context.providers.current();
    const { identities, username } = await listIdentities(context, livingSession(request));
    const page = pageOf(context, request, reply);
    return sendPage(reply, context.pages.providersPage({ page, username, identities, providers }));
  });

  app.post('/providers/unlink', REQUIRED, async (request, reply) => {
    try {
      await unlinkIdentity(context, request, livingSession(request), field(request, 'identity_id'));
      return redirect(context, reply, LINKED, 'identity-unlinked');
    } catch (error) {
      const { notice } = asRefusal(error);
      // `identity-unlinked`: an earlier request unlinked it.
      if (notice !== 'identity-unlinked' && notice !== 'last-sign-in-method') throw error;
      return redirect(context, reply, LINKED, notice);
    }
  });
}

/** The page that a flow began on. */
function pathBack(purpose: Purpose, next: string): string {
  return purpose === 'link' ? LINKED : signInPath(next);
}

/** Whether the session that wanted to link an account has ended. */
function isSessionEnded(error: unknown): boolean {
  return error instanceof LatchkeyError && error.reason === 'SESSION_ENDED';
}
