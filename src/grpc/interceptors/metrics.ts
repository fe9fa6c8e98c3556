import { status } from '@grpc/grpc-js';
import type { Clock } from '../../validator/clock.ts';
import type { Call, Handler, Method } from '../call.ts';
import { RpcError } from '../status-details.ts';

/** Counts and times calls. */
export interface CallMetrics {
  /** Called once for each rpc, so that labels are resolved before the first call. */
  recorder(method: Method): (code: status, elapsedMs: number) => void;
}

/**
 * Counts and times every call that reaches the chain, by rpc and status.
 *
 * Outermost, so that the time covers the whole chain. Outside error translation, because it counts the status that is
 * sent, not the failure that caused it.
 */
export function metrics<Request, Response>(
  next: Handler<Request, Response>,
  method: Method,
  { callMetrics, clock }: { readonly callMetrics: CallMetrics; readonly clock: Clock },
): Handler<Request, Response> {
  const record = callMetrics.recorder(method);
  const failed = (error: unknown, startedAt: number) => {
    record(error instanceof RpcError ? error.code : status.UNKNOWN, clock.monotonic() - startedAt);
    return error;
  };
  const settled = async (answer: Promise<Response>, startedAt: number) => {
    try {
      const response = await answer;
      record(status.OK, clock.monotonic() - startedAt);
      return response;
    } catch (error) {
      throw failed(error, startedAt);
    }
  };
  return (request: Request, call: Call) => {
    const startedAt = clock.monotonic();
    try {
      const answer = next(request, call);
      if (answer instanceof Promise) return settled(answer, startedAt);
      record(status.OK, clock.monotonic() - startedAt);
      return answer;
    } catch (error) {
      throw failed(error, startedAt);
    }
  };
}
