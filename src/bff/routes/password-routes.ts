import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { field } from '../http/fields.ts';
import { noticeOnPage, pageOf, redirect } from '../http/page-view.ts';
import { asRefusal } from '../http/service-refusal.ts';
import { Refusal } from '../refusal.ts';
import { changePassword } from '../session/own-sessions.ts';
import type { NoticeCode } from '../views.ts';

const REQUIRED = { config: { needs: { session: 'required' } } } as const;

interface Violations {
  readonly violations?: readonly { readonly field: string; readonly description: string }[];
}

/** The page where people change their password. Passwords are never sent back. */
export function passwordRoutes(app: FastifyInstance, context: BffContext): void {
  app.get('/password', REQUIRED, (request, reply) => {
    const page = pageOf(context, request, reply);
    return sendPage(reply, context.pages.changePasswordPage({ page, newPasswordProblem: '' }));
  });

  app.post('/password', REQUIRED, async (request, reply) => {
    const current = field(request, 'current_password');
    const next = field(request, 'new_password');
    try {
      if (current === '' || next === '') throw invalid('password-missing');
      if (field(request, 'repeat_password') !== next) throw invalid('passwords-differ');
      await changePassword(context, request, livingSession(request), current, next);
      return redirect(context, reply, '/devices', 'password-changed');
    } catch (error) {
      return showAgain(context, request, reply, asRefusal(error));
    }
  });
}

/** Shows the page again, with what was wrong. Rethrows what the page cannot explain. */
function showAgain(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): FastifyReply {
  const notice = noticeOnPage(request, reply, refusal);
  const isCurrent = refusal.reason === 'INVALID_CREDENTIALS';
  const code = isCurrent ? 'wrong-current-password' : notice.code;
  const page = pageOf(context, request, reply, { notice: { ...notice, code } });
  const { violations = [] } = refusal.members as Violations;
  const problem = violations.find(({ field: name }) => name === 'new_password')?.description ?? '';
  return sendPage(reply, context.pages.changePasswordPage({ page, newPasswordProblem: problem }));
}

function invalid(notice: NoticeCode): Refusal {
  return new Refusal(422, 'bad-request', 'A field is invalid.', { reason: 'INVALID_FIELD', notice });
}
