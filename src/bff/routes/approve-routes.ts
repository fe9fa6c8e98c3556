import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { field, pathPart } from '../http/fields.ts';
import { noticeOf, pageOf } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import { Approvals } from '../session/approvals.ts';
import type { ApproveStep, Notice } from '../views.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;
const DIGITS = /^\d\d$/;

/** The page that a QR code opens on a signed-in phone. */
export function approveRoutes(app: FastifyInstance, context: BffContext): void {
  const approvals = new Approvals(context);

  const show = (request: FastifyRequest, reply: FastifyReply, step: ApproveStep, notice?: Notice) => {
    const page = pageOf(context, request, reply, notice);
    // A form is posted below the path of the page, and a link that changes the language must load the page.
    const view = {
      page: { ...page, path: `/qr/${ticketIdOf(request)}` },
      ticketId: ticketIdOf(request),
      step,
    };
    return sendPage(reply, context.pages.approvePage(view));
  };

  /** Runs a step, or shows why the ticket is over. */
  const tried = async (request: FastifyRequest, reply: FastifyReply, run: () => Promise<FastifyReply>) => {
    try {
      return await run();
    } catch (error) {
      const refusal = asRefusal(error);
      const notice = noticeOf(refusal);
      if (notice === undefined || refusal.status >= 429) throw refusal;
      return show(request, reply.code(refusal.status), { kind: 'over' }, notice);
    }
  };

  app.get('/qr/:ticketId', REQUIRED, (request, reply) => show(request, reply, { kind: 'ask' }));

  app.post('/qr/:ticketId/scan', REQUIRED, (request, reply) =>
    tried(request, reply, async () => {
      const asker = await approvals.scan(request, livingSession(request), ticketIdOf(request));
      return show(request, reply, { kind: 'decide', asker, digits: '' });
    }),
  );

  app.post('/qr/:ticketId/approve', REQUIRED, (request, reply) =>
    tried(request, reply, async () => {
      const session = livingSession(request);
      const ticketId = ticketIdOf(request);
      const digits = field(request, 'digits').trim();
      if (!DIGITS.test(digits)) {
        // Not a try: the service would end the ticket.
        const asker = await approvals.scan(request, session, ticketId);
        const notice = { code: 'digits-missing', retryAfterSeconds: undefined } as const;
        return show(request, reply.code(422), { kind: 'decide', asker, digits }, notice);
      }
      await approvals.approve(request, session, ticketId, digits);
      return show(request, reply, { kind: 'approved' });
    }),
  );

  app.post('/qr/:ticketId/deny', REQUIRED, (request, reply) =>
    tried(request, reply, async () => {
      await approvals.deny(request, livingSession(request), ticketIdOf(request));
      return show(request, reply, { kind: 'denied' });
    }),
  );
}

function ticketIdOf(request: FastifyRequest): string {
  return pathPart(request, 'ticketId');
}
