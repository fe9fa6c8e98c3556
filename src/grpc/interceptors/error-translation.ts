import { Failure, type FailureReason } from '../../core/failure.ts';
import type { Call, Handler, Method } from '../call.ts';
import type { ServerLog } from '../server-log.ts';
import { RpcError, statusOf } from '../status-details.ts';

/** Failures that a caller can cause at will. They are not logged, so that a caller cannot flood the log. */
const CALLERS_OWN: ReadonlySet<FailureReason> = new Set(['CANCELLED', 'DEADLINE_EXCEEDED']);

/**
 * Turns every thrown error into the status that the caller gets.
 *
 * Everything that can refuse a call runs inside it, so that all errors have one form. Only metrics run outside, to
 * count the resulting status. The caller gets the message of a `Failure`. Any other error is an internal error: the
 * caller gets only INTERNAL and the correlation id, and the log gets the error.
 */
export function errorTranslation<Request, Response>(
  next: Handler<Request, Response>,
  method: Method,
  log: ServerLog,
): Handler<Request, Response> {
  const rpc = `${method.service}/${method.name}`;
  const translated = async (answer: Promise<Response>, call: Call) => {
    try {
      return await answer;
    } catch (error) {
      throw translate(error, call, rpc, log);
    }
  };
  return (request, call) => {
    try {
      const answer = next(request, call);
      return answer instanceof Promise ? translated(answer, call) : answer;
    } catch (error) {
      throw translate(error, call, rpc, log);
    }
  };
}

function translate(error: unknown, call: Call, rpc: string, log: ServerLog): RpcError {
  if (error instanceof Failure && error.reason !== 'INTERNAL') {
    if (error.cause !== undefined && !CALLERS_OWN.has(error.reason)) {
      const { correlationId } = call;
      log.warn({ rpc, correlationId, reason: error.reason, err: error.cause }, error.message);
    }
    return new RpcError(statusOf(error));
  }
  const { correlationId } = call;
  log.error({ rpc, correlationId, err: error }, 'The call failed with an internal error.');
  return new RpcError(
    statusOf(
      new Failure('INTERNAL', `Internal error; see the service log for correlation id ${correlationId}.`, {
        metadata: { correlation_id: correlationId },
      }),
    ),
  );
}
