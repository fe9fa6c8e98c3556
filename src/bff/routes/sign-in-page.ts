import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { signInPath } from '../browser/next-path.ts';
import { sendPage } from '../http/answers.ts';
import { noticeOnPage, pageOf } from '../http/page-view.ts';
import type { Refusal } from '../refusal.ts';
import { currentOrNewTicket, currentTicket } from '../session/browser-tickets.ts';
import type { Notice, SessionLimitView, TicketView } from '../views.ts';

/** What the sign-in page shows besides the form. */
interface Shown {
  readonly next: string;
  readonly username?: string;
  readonly notice?: Notice | undefined;
  readonly sessionLimit?: SessionLimitView;
  /** The ticket stays in any state, because the user signs in with it. Default: one that is over is replaced. */
  readonly keepsTicket?: true;
}

/** Shows the page again, with what was typed and what was wrong. Rethrows what the page cannot explain. */
export async function showSignInAgain(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
  shown: Shown,
): Promise<FastifyReply> {
  const notice = noticeOnPage(request, reply, refusal);
  return showSignIn(context, request, reply, { ...shown, notice });
}

/** Shows the sign-in page. */
export async function showSignIn(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: Shown,
): Promise<FastifyReply> {
  const { browserSession: session } = request;
  const ticket = await ticketOf(context, request, reply, shown);
  const html = context.pages.signInPage({
    page: pageOf(context, request, reply, { notice: shown.notice, path: signInPath(shown.next) }),
    next: shown.next,
    username: shown.username ?? '',
    // Once: the next notice is about what the user did since.
    ended: session?.kind === 'ended' && shown.notice === undefined ? session.end : undefined,
    ticket,
    sessionLimit: shown.sessionLimit,
    providers: await context.providers.current(),
  });
  return sendPage(reply, html);
}

/** Undefined: there is no ticket, and the page has only the form. */
async function ticketOf(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { keepsTicket }: Shown,
): Promise<TicketView | undefined> {
  try {
    return await (keepsTicket
      ? currentTicket(context, request)
      : currentOrNewTicket(context, request, reply));
  } catch (error) {
    request.log.info({ err: error }, 'no QR ticket; the sign-in page shows no code');
    return undefined;
  }
}
