import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SessionSummary } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { nextPath, signInPath } from '../browser/next-path.ts';
import { field, parameter } from '../http/fields.ts';
import { csrfSubjectOf, redirect } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import { Refusal } from '../refusal.ts';
import { createTicket, followTicket } from '../session/browser-tickets.ts';
import {
  noTicket,
  sessionLimitOf,
  signInByPassword,
  signInByTicket,
  signOut,
  ticketAtLimit,
} from '../session/sign-ins.ts';
import type { SessionLimitView } from '../views.ts';
import { showSignIn, showSignInAgain } from './sign-in-page.ts';

const OPTIONAL = { config: { needs: { session: 'optional' } } } as const;

/** The sign-in page, with a form for a password and a QR code beside it, and the sign-out. */
export function signInRoutes(app: FastifyInstance, context: BffContext): void {
  app.get('/sign-in', OPTIONAL, (request, reply) => {
    const next = nextPath(parameter(request, 'next'));
    if (request.browserSession?.kind === 'living') return redirect(context, reply, next);
    return showSignIn(context, request, reply, { next });
  });

  app.post(
    '/sign-in',
    { config: { needs: { session: 'optional', csrf: 'none' } } },
    async (request, reply) => {
      const next = nextPath(field(request, 'next'));
      const username = field(request, 'username');
      const password = field(request, 'password');
      try {
        // Checked here and not by the guard, so that the form is shown again with what was typed.
        context.csrf.check(request, csrfSubjectOf(context, request));
        if (username.trim() === '') throw missing('username-missing');
        if (password === '') throw missing('password-missing');
        const endSessionId = field(request, 'end_session_id');
        await signInByPassword(context, request, reply, { username, password, endSessionId });
        return redirect(context, reply, next);
      } catch (error) {
        const sessions = sessionLimitOf(error);
        const shown = { next, username, ...(sessions && { sessionLimit: limitOf('password', sessions) }) };
        return showSignInAgain(context, request, reply, asRefusal(error), shown);
      }
    },
  );

  app.post('/sign-in/code', OPTIONAL, async (request, reply) => {
    const next = nextPath(field(request, 'next'));
    try {
      await createTicket(context, request, reply);
    } catch (error) {
      return showSignInAgain(context, request, reply, asRefusal(error), { next });
    }
    return redirect(context, reply, signInPath(next));
  });

  app.post('/sign-in/code/redeem', OPTIONAL, async (request, reply) => {
    const next = nextPath(field(request, 'next'));
    try {
      const outcome = await signInByTicket(context, request, reply, field(request, 'end_session_id'));
      if (outcome.kind === 'signed-in') return redirect(context, reply, next);
      if (outcome.kind === 'pending')
        return await showSignIn(context, request, reply, { next, keepsTicket: true });
      const refusal = ticketAtLimit(outcome.sessions);
      const sessionLimit = limitOf('ticket', outcome.sessions);
      return await showSignInAgain(context, request, reply, refusal, {
        next,
        sessionLimit,
        keepsTicket: true,
      });
    } catch (error) {
      const refusal = asRefusal(error);
      // The ticket may be redeemed already, with an answer that was lost. It can be redeemed again.
      const kept = refusal.status === 503 ? ({ keepsTicket: true } as const) : {};
      return showSignInAgain(context, request, reply, refusal, { next, ...kept });
    }
  });

  const events = { config: { needs: { isApi: true } } } as const;
  app.get('/sign-in/code/events', events, (request, reply) => ticketEvents(context, request, reply));

  const whileLiving = { config: { needs: { session: 'optional', csrf: 'living' } } } as const;
  app.post('/sign-out', whileLiving, async (request, reply) => {
    await signOut(context, request, reply);
    return redirect(context, reply, '/sign-in', 'signed-out');
  });
}

/** Answers with the states of the browser's ticket, as an event stream. @throws Refusal if there is no ticket. */
export function ticketEvents(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const ticket = context.tickets.read(request);
  if (ticket === undefined) throw noTicket();
  const owner = { kind: 'ticket', id: ticket.ticketId } as const;
  return context.streams.open(request, reply, owner, (send, signal) =>
    followTicket(context, ticket, send, signal),
  );
}

function missing(notice: 'username-missing' | 'password-missing'): Refusal {
  return new Refusal(422, 'bad-request', 'A field is empty.', { reason: 'INVALID_FIELD', notice });
}

function limitOf(by: 'password' | 'ticket', sessions: readonly SessionSummary[]): SessionLimitView {
  return { by, answer: undefined, sessions };
}
