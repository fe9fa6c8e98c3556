import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { field, pathPart } from '../http/fields.ts';
import { noticeOf, pageOf } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import type { Refusal } from '../refusal.ts';
import { approveTicket, denyTicket, scanTicket } from '../session/approvals.ts';
import type { ApproveStep, Notice } from '../views.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;
const DIGITS = /^\d\d$/;

/** The page that a QR code opens on a signed-in phone. */
export function approveRoutes(app: FastifyInstance, context: BffContext): void {
  const show = (request: FastifyRequest, reply: FastifyReply, step: ApproveStep, notice?: Notice) => {
    const ticketId = ticketIdOf(request);
    const page = pageOf(context, request, reply, { notice, path: `/qr/${ticketId}` });
    return sendPage(reply, context.pages.approvePage({ page, ticketId, step }));
  };

  /** Runs a step. If that fails for good, shows why the ticket is over. */
  const runOrExplain = async (
    request: FastifyRequest,
    reply: FastifyReply,
    run: () => Promise<FastifyReply>,
  ) => {
    try {
      return await run();
    } catch (error) {
      const refusal = asRefusal(error);
      const notice = noticeOf(refusal);
      if (notice === undefined || isTransient(refusal)) throw refusal;
      return show(request, reply.code(refusal.status), { kind: 'over' }, notice);
    }
  };

  app.get('/qr/:ticketId', REQUIRED, (request, reply) => show(request, reply, { kind: 'ask' }));

  app.post('/qr/:ticketId/scan', REQUIRED, (request, reply) =>
    runOrExplain(request, reply, async () => {
      const asker = await scanTicket(context, request, livingSession(request), ticketIdOf(request));
      return show(request, reply, { kind: 'decide', asker, digits: '' });
    }),
  );

  app.post('/qr/:ticketId/approve', REQUIRED, (request, reply) =>
    runOrExplain(request, reply, async () => {
      const session = livingSession(request);
      const ticketId = ticketIdOf(request);
      const digits = field(request, 'digits').trim();
      if (!DIGITS.test(digits)) {
        // Not a try: the service would end the ticket.
        const asker = await scanTicket(context, request, session, ticketId);
        const notice = { code: 'digits-missing', retryAfterSeconds: undefined } as const;
        return show(request, reply.code(422), { kind: 'decide', asker, digits }, notice);
      }
      await approveTicket(context, request, session, ticketId, digits);
      return show(request, reply, { kind: 'approved' });
    }),
  );

  app.post('/qr/:ticketId/deny', REQUIRED, (request, reply) =>
    runOrExplain(request, reply, async () => {
      await denyTicket(context, request, livingSession(request), ticketIdOf(request));
      return show(request, reply, { kind: 'denied' });
    }),
  );
}

/** A limit or a fault says nothing about the ticket. */
function isTransient({ status }: Refusal): boolean {
  return status >= 429;
}

function ticketIdOf(request: FastifyRequest): string {
  return pathPart(request, 'ticketId');
}
