import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SessionSummary } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { nextPath } from '../browser/next-path.ts';
import { field, parameter } from '../http/fields.ts';
import { csrfSubjectOf, redirect } from '../http/page-view.ts';
import { Refusal } from '../http/refusal.ts';
import { asRefusal } from '../http/service-refusal.ts';
import type { Codes } from '../session/codes.ts';
import { codeAtLimit, noTicket, SignIns, sessionLimitOf } from '../session/sign-ins.ts';
import type { SessionLimitView } from '../views.ts';
import { SignInPage } from './sign-in-page.ts';

const OPTIONAL = { config: { needs: { session: 'optional' } } } as const;

/** The sign-in page, with a form for a password and a QR code beside it, and the way out. */
export function signInRoutes(app: FastifyInstance, context: BffContext): void {
  const signIns = new SignIns(context);
  const page = new SignInPage(context);

  app.get('/sign-in', OPTIONAL, (request, reply) => {
    const next = nextPath(parameter(request, 'next'));
    if (request.browserSession?.kind === 'living') return redirect(context, reply, next);
    return page.show(request, reply, { next });
  });

  app.post(
    '/sign-in',
    { config: { needs: { session: 'optional', csrf: 'none' } } },
    async (request, reply) => {
      const next = nextPath(field(request, 'next'));
      const username = field(request, 'username');
      const password = field(request, 'password');
      try {
        // Here, not in the guard: the form is shown again with what was typed.
        context.csrf.check(request, csrfSubjectOf(context, request));
        if (username.trim() === '') throw missing('username-missing');
        if (password === '') throw missing('password-missing');
        const endSessionId = field(request, 'end_session_id');
        await signIns.byPassword(request, reply, { username, password, endSessionId });
        return redirect(context, reply, next);
      } catch (error) {
        const sessions = sessionLimitOf(error);
        const shown = { next, username, ...(sessions && { sessionLimit: limitOf('password', sessions) }) };
        return page.refuse(request, reply, asRefusal(error), shown);
      }
    },
  );

  app.post('/sign-in/code', OPTIONAL, async (request, reply) => {
    const next = nextPath(field(request, 'next'));
    try {
      await page.codes.create(request, reply);
    } catch (error) {
      return page.refuse(request, reply, asRefusal(error), { next });
    }
    return redirect(context, reply, `/sign-in?next=${encodeURIComponent(next)}`);
  });

  app.post('/sign-in/code/redeem', OPTIONAL, async (request, reply) => {
    const next = nextPath(field(request, 'next'));
    try {
      const outcome = await signIns.byCode(request, reply, field(request, 'end_session_id'));
      if (outcome.kind === 'signed-in') return redirect(context, reply, next);
      if (outcome.kind === 'pending') return await page.show(request, reply, { next, keepsCode: true });
      const refusal = codeAtLimit(outcome.sessions);
      const sessionLimit = limitOf('code', outcome.sessions);
      return await page.refuse(request, reply, refusal, { next, sessionLimit, keepsCode: true });
    } catch (error) {
      return page.refuse(request, reply, asRefusal(error), { next });
    }
  });

  const events = { config: { needs: { isApi: true } } } as const;
  app.get('/sign-in/code/events', events, (request, reply) =>
    ticketEvents(context, page.codes, request, reply),
  );

  const signOut = { config: { needs: { session: 'optional', csrf: 'living' } } } as const;
  app.post('/sign-out', signOut, async (request, reply) => {
    await signIns.signOut(request, reply);
    return redirect(context, reply, '/sign-in', 'signed-out');
  });
}

/** The states of the browser's code as they come. */
export function ticketEvents(
  { streams, tickets }: BffContext,
  codes: Codes,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const ticket = tickets.read(request);
  if (ticket === undefined) throw noTicket();
  const follow = codes.follow.bind(codes, ticket);
  return streams.open(request, reply, { kind: 'ticket', id: ticket.ticketId }, follow);
}

function missing(notice: 'username-missing' | 'password-missing'): Refusal {
  return new Refusal(422, 'bad-request', 'A field is empty.', { reason: 'INVALID_FIELD', notice });
}

function limitOf(by: 'password' | 'code', sessions: readonly SessionSummary[]): SessionLimitView {
  return { by, query: '', sessions };
}
