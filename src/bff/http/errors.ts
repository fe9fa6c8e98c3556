import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LatchkeyError } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { Refusal, unavailable } from '../refusal.ts';
import { endOf, type LivingSession } from '../session/browser-sessions.ts';
import { refuse } from './answers.ts';
import { headersFor } from './security-headers.ts';
import { logFault, refusalOf } from './service-refusal.ts';
import { answerSignedOut } from './signed-out.ts';

/** Answers every error, and every path that does not exist. */
export function answerErrors(app: FastifyInstance, context: BffContext): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const { browserSession } = request;
    if (browserSession?.kind === 'living' && isSessionRefused(error)) {
      const session = await endedSession(context, browserSession);
      request.browserSession = session;
      return answerSignedOut(context, request, reply, session);
    }
    return refuse(context, request, reply, knownRefusal(error, request));
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(context, request, reply, new Refusal(404, 'not-found', 'There is nothing at this path.')),
  );
}

/** Answers a request whose URL is malformed or too long. It reaches no route and no hook. */
export function answerBadUrl(context: BffContext, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(headersFor(context.isSecure));
  refuse(context, request, reply, new Refusal(400, 'bad-request', 'The URL is malformed.'));
}

/** Whether the service refuses the session of the browser: it ended after its token was checked. */
function isSessionRefused(error: unknown): boolean {
  if (!(error instanceof LatchkeyError)) return false;
  return error.reason === 'CALLER_UNAUTHENTICATED' || error.reason === 'SESSION_ENDED';
}

async function endedSession({ client }: BffContext, { accessToken }: LivingSession) {
  const verdict = await client.validate(accessToken, { consistency: 'strong' }).catch(() => undefined);
  const reason = verdict?.kind === 'rejected' ? verdict.endReason : undefined;
  return { kind: 'ended', end: endOf(reason ?? 'UNSPECIFIED') } as const;
}

/** The refusal for an error. Logs it if its status is 500 or higher. */
function knownRefusal(error: FastifyError, request: FastifyRequest): Refusal {
  const known = refusalOf(error);
  if (known instanceof Refusal) {
    logFault(request, known);
    return known;
  }
  if (isNotAdmitted(error)) {
    request.log.error({ err: error }, 'the service does not admit this program as a front; see docs/bff.md');
    return unavailable('The service refuses this program at present. Try again.');
  }
  const { statusCode = 500, code } = error;
  if (statusCode < 500) return ofFramework(statusCode, code, error.message);
  request.log.error({ err: error }, 'unexpected error; the browser gets 500');
  return new Refusal(500, 'internal', `An unexpected fault. Try again; its id in the log is ${request.id}.`);
}

/** The service refuses the account or the certificate of this program. */
function isNotAdmitted(error: unknown): boolean {
  const reason = error instanceof LatchkeyError ? error.reason : undefined;
  return reason === 'CALLER_UNAUTHENTICATED' || reason === 'CALLER_FORBIDDEN';
}

/** The refusal for an error of Fastify: a body that is too large, of another type or invalid. */
function ofFramework(status: number, code: string, message: string): Refusal {
  const reason = code === 'FST_ERR_VALIDATION' ? 'INVALID_FIELD' : undefined;
  if (status === 413) return new Refusal(413, 'too-large', 'The request is too large.');
  if (status === 415)
    return new Refusal(415, 'unsupported-type', 'The body has a type that is not supported.');
  return new Refusal(status === 404 ? 404 : 400, 'bad-request', message, { reason });
}
