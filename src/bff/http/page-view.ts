import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import type { CsrfSubject } from '../browser/csrf.ts';
import { acceptedLanguage, languageNamed } from '../browser/language.ts';
import type { Refusal } from '../refusal.ts';
import { type Language, NOTICE_CODES, type Notice, type NoticeCode, type PageView } from '../views.ts';
import { parameter } from './fields.ts';
import { logFault } from './service-refusal.ts';

const LANGUAGE_SECONDS = 31_536_000;
/** How long a notice waits for the page that shows it: long enough for a redirect. */
const NOTICE_SECONDS = 60;

/** What a handler knows about its page. */
export interface PageOptions {
  /** Default: the notice that a redirect left for this page. */
  readonly notice?: Notice | undefined;
  /** Path and query that the language link loads by GET. Default: those of the request. */
  readonly path?: string;
}

/** What every page has. Starts a pre-session if the browser has neither that nor a session. */
export function pageOf(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { notice, path = request.url }: PageOptions = {},
): PageView {
  const subject = csrfSubjectOf(context, request) ?? {
    preSessionId: context.preSessions.renew(request, reply),
  };
  return viewOf(context, request, subject, { notice: notice ?? takeNotice(context, request, reply), path });
}

/**
 * As `pageOf`, for a page without forms of its own. Sets no cookie: a form of another site arrives without our cookies, and
 * a new pre-session would replace that of the browser.
 */
export function plainPageOf(context: BffContext, request: FastifyRequest): PageView {
  return viewOf(context, request, csrfSubjectOf(context, request), { notice: undefined, path: request.url });
}

function viewOf(
  context: BffContext,
  request: FastifyRequest,
  subject: CsrfSubject | undefined,
  { notice, path }: { readonly notice: Notice | undefined; readonly path: string },
): PageView {
  return {
    language: languageOf(context, request),
    path: path.replace(/^\/+/, '/'),
    csrfToken: subject === undefined ? '' : context.csrf.tokenFor(subject),
    now: new Date(context.clock.now()),
    isSignedIn: request.browserSession?.kind === 'living',
    hasProviders: context.providers.latest().length > 0,
    notice,
  };
}

/** What the CSRF token of a request must be bound to. Undefined: the browser has neither a session nor a pre-session. */
export function csrfSubjectOf({ preSessions }: BffContext, request: FastifyRequest): CsrfSubject | undefined {
  const { browserSession: session } = request;
  if (session?.kind === 'living') return { sessionId: session.identity.sessionId };
  const preSessionId = preSessions.read(request);
  return preSessionId === undefined ? undefined : { preSessionId };
}

function languageOf({ cookies }: BffContext, request: FastifyRequest): Language {
  return (
    languageNamed(parameter(request, 'lang')) ??
    languageNamed(cookies.get(request, 'lk_language')) ??
    acceptedLanguage(request.headers['accept-language'])
  );
}

/** Keeps the language that a link chose. Returns the path to redirect to; undefined: the link chose none. */
export function keepLanguage(
  { cookies, site }: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): string | undefined {
  const language = languageNamed(parameter(request, 'lang'));
  if (language === undefined || request.method !== 'GET') return undefined;
  cookies.set(reply, 'lk_language', language, LANGUAGE_SECONDS);
  const url = new URL(request.url, site.origin);
  url.searchParams.delete('lang');
  // A path that begins with two slashes would be another host.
  return url.pathname.replace(/^\/+/, '/') + url.search;
}

/** The notice of a refusal. Undefined: it has none, and the request fails as a whole. */
export function noticeOf({ notice, retryAfterSeconds }: Refusal): Notice | undefined {
  return notice === undefined ? undefined : { code: notice, retryAfterSeconds };
}

/**
 * The notice of a page that is shown again after a refusal. Sets the status and `Retry-After`, and logs a fault.
 *
 * @throws the refusal if no notice explains it.
 */
export function noticeOnPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): Notice {
  const notice = noticeOf(refusal);
  if (notice === undefined) throw refusal;
  logFault(request, refusal);
  reply.code(refusal.status);
  if (notice.retryAfterSeconds !== undefined) reply.header('retry-after', notice.retryAfterSeconds);
  return notice;
}

/** Sends the browser to another page, which shows the notice. */
export function redirect(
  context: BffContext,
  reply: FastifyReply,
  path: string,
  notice: NoticeCode | undefined = undefined,
): FastifyReply {
  if (notice !== undefined) context.cookies.set(reply, 'lk_notice', notice, NOTICE_SECONDS);
  return reply.redirect(path, 303);
}

/** The notice that a redirect left. Clears it, so that it is shown once. */
function takeNotice(
  { cookies }: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Notice | undefined {
  const given = cookies.get(request, 'lk_notice');
  if (given === undefined) return undefined;
  cookies.clear(reply, 'lk_notice');
  const code = NOTICE_CODES.find((known) => known === given);
  return code === undefined ? undefined : { code, retryAfterSeconds: undefined };
}
