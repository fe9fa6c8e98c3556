import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { isSafeMethod } from '../browser/csrf.ts';
import { nextPath, signInPath } from '../browser/next-path.ts';
import { Refusal } from '../refusal.ts';
import type { BrowserSession } from '../session/browser-sessions.ts';
import { isApi, refuse, sendPage } from './answers.ts';
import { pageOf } from './page-view.ts';

type NotLiving = Extract<BrowserSession, { readonly kind: 'none' | 'ended' }>;

/** Fields that are never sent back. */
const SECRET_FIELD = /csrf|password/;

/**
 * Answers a request that needs a session and has none. The cookies stay: they may be those of a later sign-in by the time
 * the answer arrives.
 */
export function answerSignedOut(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  session: NotLiving,
): FastifyReply {
  if (isApi(request)) return refuse(context, request, reply, refusalFor(session));
  const next = returnPath(request.url);
  if (isSafeMethod(request) || session.kind === 'none') {
    return reply.redirect(signInPath(next), 303);
  }
  const page = pageOf(context, request, reply);
  const view = { page, ended: session.end, next, kept: keptFields(request) };
  return sendPage(reply.code(401), context.pages.sessionEndedPage(view));
}

function refusalFor(session: NotLiving): Refusal {
  if (session.kind === 'none') {
    return new Refusal(401, 'bad-request', 'Sign in first.', { reason: 'NOT_SIGNED_IN' });
  }
  const { end } = session;
  const members = { endReason: end.endReason, endedBy: end.endedBy, endedAt: end.endedAt };
  return new Refusal(401, 'bad-request', 'The session has ended. Sign in again.', {
    reason: 'SESSION_ENDED',
    members,
  });
}

/** The page that a form is on: its path, or the one above. */
function returnPath(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  const above = path.slice(0, path.lastIndexOf('/'));
  return nextPath(path) === path ? path : nextPath(above);
}

/** The fields of the form, so that nothing that was typed is lost. */
function keptFields({ body }: FastifyRequest): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries((body ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
    typeof value === 'string' && !SECRET_FIELD.test(name) ? [{ name, value }] : [],
  );
}
