import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import type { Refusal } from '../refusal.ts';
import { plainPageOf } from './page-view.ts';

const PROBLEM = 'application/problem+json; charset=utf-8';

/** Whether a request is answered with JSON. */
export function isApi({ url, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config?.needs?.isApi === true || isUnder(url, ['/api', '/.well-known', '/assets']);
}

/** Answers with a problem (RFC 9457) from the API, with a page otherwise. */
export function refuse(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): FastifyReply {
  const { status, code, retryAfterSeconds } = refusal;
  reply.code(status);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  if (isApi(request)) return sendProblem(request, reply, refusal);
  const page = plainPageOf(context, request);
  const requestId = status >= 500 ? request.id : '';
  return sendPage(reply, context.pages.messagePage({ page, code, status, retryAfterSeconds, requestId }));
}

export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(html);
}

/** Whether the path of a URL is one of these, or below one of these. */
function isUnder(url: string, paths: readonly string[]): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return paths.some((each) => path === each || path.startsWith(`${each}/`));
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, message, reason, retryAfterSeconds, members } = refusal;
  // RFC 9110, section 15.5.2 requires a challenge. There is no registered scheme for cookies.
  if (status === 401) reply.header('www-authenticate', 'Cookie');
  return reply.type(PROBLEM).send({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail: message,
    ...(reason !== undefined && { reason }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(status >= 500 && { requestId: request.id }),
    ...members,
  });
}
