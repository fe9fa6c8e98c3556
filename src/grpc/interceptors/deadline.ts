import { Failure } from '../../core/failure.ts';
import type { Call, Handler } from '../call.ts';

/** The response is sent this long before the caller's deadline, or a fifth of the remaining time if that is less. */
const MAX_LEAD_MS = 100;
const LEAD_SHARE = 0.2;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Responds DEADLINE_EXCEEDED shortly before the caller's deadline and aborts the call.
 *
 * A caller whose own deadline fires resets the stream. About a thousand resets at once end the whole connection
 * (HTTP/2 rapid reset protection), so the server must respond first. Store calls have shorter deadlines and fail as
 * UNAVAILABLE; this interceptor is for callers with deadlines shorter than those.
 *
 * Inside error translation, which turns its failure into a status. Outside everything that may wait. A handler that
 * responds synchronously needs no timer. A call that arrives after its deadline is refused before its handler runs.
 */
export function deadline<Request, Response>(next: Handler<Request, Response>): Handler<Request, Response> {
  return (request, call) => {
    if (call.remainingMs <= 0) throw late();
    const answer = next(request, call);
    if (!(answer instanceof Promise)) return answer;
    // Read again: the handler may have run for some time before it returned its promise.
    const { remainingMs } = call;
    return remainingMs === Number.POSITIVE_INFINITY ? answer : inTime(answer, call, remainingMs);
  };
}

function inTime<Response>(answer: Promise<Response>, call: Call, remainingMs: number): Promise<Response> {
  const lead = Math.min(MAX_LEAD_MS, remainingMs * LEAD_SHARE);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        call.abort();
        reject(late());
      },
      Math.min(Math.max(0, remainingMs - lead), MAX_TIMER_MS),
    );
    timer.unref();
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function late(): Failure {
  return new Failure('DEADLINE_EXCEEDED', 'The call did not complete before its deadline.');
}
