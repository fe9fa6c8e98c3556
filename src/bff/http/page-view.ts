import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import type { CsrfSubject } from '../browser/csrf.ts';
import { acceptedLanguage, languageNamed } from '../browser/language.ts';
import { type Language, NOTICE_CODES, type Notice, type NoticeCode, type PageView } from '../views.ts';
import type { Refusal } from './refusal.ts';

const LANGUAGE_SECONDS = 31_536_000;
/** Long enough for the redirect that follows. */
const NOTICE_SECONDS = 60;

/** What every page has. Starts a pre-session if the browser has neither that nor a session. */
export function pageOf(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  notice: Notice | undefined = undefined,
): PageView {
  const subject = csrfSubjectOf(context, request) ?? {
    preSessionId: context.preSessions.renew(request, reply),
  };
  return viewOf(context, request, subject, notice ?? takeNotice(context, request, reply));
}

/**
 * The same for a page without forms of its own. It sets no cookie: a browser sends none with a form of another site, but
 * keeps those of the answer, and would lose its pre-session.
 */
export function plainPageOf(context: BffContext, request: FastifyRequest): PageView {
  return viewOf(context, request, csrfSubjectOf(context, request), undefined);
}

function viewOf(
  context: BffContext,
  request: FastifyRequest,
  subject: CsrfSubject | undefined,
  notice: Notice | undefined,
): PageView {
  return {
    language: languageOf(context, request),
    path: request.url.replace(/^\/+/, '/'),
    csrfToken: subject === undefined ? '' : context.csrf.tokenFor(subject),
    now: new Date(context.clock.now()),
    isSignedIn: request.browserSession?.kind === 'living',
    hasProviders: context.providers.known.length > 0,
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
    languageNamed((request.query as { readonly lang?: unknown } | undefined)?.lang) ??
    languageNamed(cookies.get(request, 'lk_language')) ??
    acceptedLanguage(request.headers['accept-language'])
  );
}

/** Keeps the language that a link chose, and returns the path without it. Undefined: the link chose none. */
export function chosenLanguage(
  { cookies, site }: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): string | undefined {
  const language = languageNamed((request.query as { readonly lang?: unknown } | undefined)?.lang);
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
