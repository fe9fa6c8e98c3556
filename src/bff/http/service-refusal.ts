import type { FastifyRequest } from 'fastify';
import { LatchkeyError } from '../../client/index.ts';
import { RETRY_SECONDS, Refusal } from '../refusal.ts';
import type { MessageCode, NoticeCode } from '../views.ts';

interface Mapped {
  readonly status: number;
  readonly code: MessageCode;
  readonly notice: NoticeCode;
}

const UNAVAILABLE: Mapped = { status: 503, code: 'service-unavailable', notice: 'service-unavailable' };

/** The answer to each reason of the service. */
const BY_REASON: Readonly<Record<string, Mapped>> = {
  INVALID_FIELD: { status: 422, code: 'bad-request', notice: 'form-refused' },
  INVALID_CREDENTIALS: { status: 401, code: 'bad-request', notice: 'invalid-credentials' },
  SIGN_IN_RISK: { status: 403, code: 'bad-request', notice: 'sign-in-risk' },
  SESSION_LIMIT_REACHED: { status: 409, code: 'bad-request', notice: 'session-limit' },
  TOO_MANY_ATTEMPTS: { status: 429, code: 'too-many-requests', notice: 'too-many-attempts' },
  TOO_MANY_WATCHES: { status: 429, code: 'too-many-requests', notice: 'too-many-attempts' },
  TICKET_POLLED_TOO_OFTEN: { status: 429, code: 'too-many-requests', notice: 'too-many-attempts' },
  LOGIN_QUEUE_FULL: UNAVAILABLE,
  SESSION_NOT_FOUND: { status: 404, code: 'not-found', notice: 'session-not-found' },
  TICKET_NOT_FOUND: { status: 404, code: 'not-found', notice: 'ticket-unknown' },
  NOT_TICKET_APPROVER: { status: 403, code: 'bad-request', notice: 'ticket-unknown' },
  TICKET_OVER: { status: 409, code: 'bad-request', notice: 'ticket-expired' },
  PROVIDER_NOT_FOUND: { status: 404, code: 'not-found', notice: 'provider-unavailable' },
  PROVIDER_REFUSED: { status: 403, code: 'bad-request', notice: 'provider-refused' },
  PROVIDER_ANSWER_INVALID: { status: 400, code: 'bad-request', notice: 'provider-refused' },
  PROVIDER_UNAVAILABLE: { ...UNAVAILABLE, notice: 'provider-unavailable' },
  FLOW_NOT_FOUND: { status: 404, code: 'bad-request', notice: 'flow-unknown' },
  FLOW_OVER: { status: 409, code: 'bad-request', notice: 'flow-unknown' },
  FLOW_IN_PROGRESS: UNAVAILABLE,
  IDENTITY_NOT_LINKED: { status: 403, code: 'bad-request', notice: 'identity-not-linked' },
  IDENTITY_NOT_FOUND: { status: 404, code: 'not-found', notice: 'identity-unlinked' },
  IDENTITY_TAKEN: { status: 409, code: 'bad-request', notice: 'identity-taken' },
  USERNAME_TAKEN: { status: 409, code: 'bad-request', notice: 'username-taken' },
  LAST_SIGN_IN_METHOD: { status: 409, code: 'bad-request', notice: 'last-sign-in-method' },
  USER_CHANGED: { status: 409, code: 'bad-request', notice: 'end-unconfirmed' },
  END_UNCONFIRMED: { ...UNAVAILABLE, notice: 'end-unconfirmed' },
};

/** The notice for each `denial` of TICKET_OVER. */
const BY_DENIAL: Readonly<Record<string, NoticeCode>> = {
  BY_APPROVER: 'ticket-denied',
  WRONG_DIGITS: 'ticket-wrong-digits',
  APPROVER_SESSION_ENDED: 'ticket-approver-ended',
};

/** The refusal that a failed call of the service becomes. Returns any other error unchanged. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof LatchkeyError)) return error;
  const { reason, retryAfterMs, metadata, violations, sessions } = error;
  const mapped =
    (reason === undefined ? undefined : BY_REASON[reason]) ?? (error.isUnavailable ? UNAVAILABLE : undefined);
  if (mapped === undefined) return error;
  const waits = mapped.status === 503 || mapped.status === 429;
  const retryAfterSeconds =
    retryAfterMs === undefined ? RETRY_SECONDS : Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return new Refusal(mapped.status, mapped.code, detailOf(error), {
    reason,
    notice: noticeOf(error, mapped),
    retryAfterSeconds: waits ? retryAfterSeconds : undefined,
    members: {
      ...(violations.length > 0 && { violations }),
      ...(sessions.length > 0 && { sessions }),
      ...(metadata['state'] !== undefined && { state: metadata['state'] }),
      ...(metadata['denial'] !== undefined && { denial: metadata['denial'] }),
    },
    cause: error,
  });
}

function noticeOf({ reason, metadata, violations }: LatchkeyError, { notice }: Mapped): NoticeCode {
  if (reason === 'TICKET_OVER' && metadata['state'] === 'REDEEMED') return 'ticket-used';
  if (reason === 'TICKET_OVER') return BY_DENIAL[metadata['denial'] ?? ''] ?? notice;
  if (violations.some(({ field }) => field === 'new_password')) return 'new-password-refused';
  return notice;
}

/** The addresses of an unreachable service are for the log, not for browsers. */
function detailOf(error: LatchkeyError): string {
  return error.reason === undefined ? 'The service does not answer at present. Try again.' : error.details;
}

/**
 * As `refusalOf`, for callers that need a refusal.
 *
 * @throws the error itself if `refusalOf` returns it unchanged.
 */
export function asRefusal(error: unknown): Refusal {
  const refusal = refusalOf(error);
  if (refusal instanceof Refusal) return refusal;
  throw error;
}

/** Logs a refusal that is a fault of the service or of this program. Those that people cause are not logged. */
export function logFault(request: FastifyRequest, refusal: Refusal): void {
  if (refusal.status < 500) return;
  request.log.warn({ err: refusal.cause ?? refusal }, 'the service refused a call; the browser gets 5xx');
}
