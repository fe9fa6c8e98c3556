import { Failure, type FailureReason } from '../../core/failure.ts';
import type { Call, Handler, Method } from '../call.ts';
import { RpcError } from '../rpc-error.ts';
import type { ServerLog } from '../server-log.ts';
import { statusOf } from '../status-details.ts';

/** What a caller can bring about at will. Nothing is wrong here, and nobody shall fill the log with it. */
const CALLERS_OWN: ReadonlySet<FailureReason> = new Set(['CANCELLED', 'DEADLINE_EXCEEDED']);

/**
 * Turns whatever was thrown into the status that the caller gets.
 *
 * Everything that can refuse a call runs inside it, so that every refusal has one form; only metrics stand
 * outside, to count the status that comes of it. A `Failure` is said to the caller. Anything else is a fault
 * of ours: the caller gets INTERNAL and the call's correlation id and nothing besides, the log gets the rest.
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
  log.error({ rpc, correlationId, err: error }, 'A call failed by a fault of the service.');
  return new RpcError(
    statusOf(
      new Failure('INTERNAL', `A fault of the service; its log has more under ${correlationId}.`, {
        metadata: { correlation_id: correlationId },
      }),
    ),
  );
}
