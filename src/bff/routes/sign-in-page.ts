import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { noticeOf, pageOf } from '../http/page-view.ts';
import type { Refusal } from '../http/refusal.ts';
import { Codes } from '../session/codes.ts';
import type { Notice, SessionLimitView } from '../views.ts';

/** What the sign-in page shows besides the form. */
interface Shown {
  readonly next: string;
  readonly username?: string;
  readonly notice?: Notice | undefined;
  readonly sessionLimit?: SessionLimitView;
  /** The person signs in with the code, so it stays, whatever its state is. Default: one that is over is replaced. */
  readonly keepsCode?: true;
}

/** Shows the sign-in page. */
export class SignInPage {
  readonly codes: Codes;
  readonly #context: BffContext;

  constructor(context: BffContext) {
    this.#context = context;
    this.codes = new Codes(context);
  }

  /** Shows the page again, with what was typed and what was wrong. Rethrows what the page cannot explain. */
  async refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    refusal: Refusal,
    shown: Shown,
  ): Promise<FastifyReply> {
    const notice = noticeOf(refusal);
    if (notice === undefined) throw refusal;
    if (notice.retryAfterSeconds !== undefined) reply.header('retry-after', notice.retryAfterSeconds);
    return this.show(request, reply.code(refusal.status), { ...shown, notice });
  }

  async show(request: FastifyRequest, reply: FastifyReply, shown: Shown): Promise<FastifyReply> {
    const { pages, providers } = this.#context;
    const { browserSession: session } = request;
    const code = shown.keepsCode ? this.codes.current(request) : this.codes.show(request, reply);
    const ticket = await code.catch((error: unknown) => {
      request.log.info({ err: error }, 'the sign-in page has no code');
      return undefined;
    });
    const html = pages.signInPage({
      // Forms are posted to other paths, and a link that changes the language must load this page.
      page: { ...pageOf(this.#context, request, reply, shown.notice), path: pathOf(shown.next) },
      next: shown.next,
      username: shown.username ?? '',
      ended: session?.kind === 'ended' ? session.end : undefined,
      ticket,
      sessionLimit: shown.sessionLimit,
      providers: await providers.current(),
    });
    return sendPage(reply, html);
  }
}

function pathOf(next: string): string {
  return `/sign-in?next=${encodeURIComponent(next)}`;
}
