import { Failure } from '../../core/failure.ts';
import type { Call, Handler } from '../call.ts';

/** The answer leaves this long before the caller's deadline, or a fifth of the time it gave, if that is less. */
const MAX_LEAD_MS = 100;
const LEAD_SHARE = 0.2;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Answers DEADLINE_EXCEEDED a little before the caller's deadline and gives up the work.
 *
 * A caller whose deadline fires by itself resets the stream, and a thousand resets at once end the whole
 * connection (HTTP/2 rapid reset protection): a stall must be answered, not waited out. A store that hangs is
 * given up earlier, by the store calls' own deadlines, and is then UNAVAILABLE; this is for callers in more of a
 * hurry than that. It stands inside error translation, which gives its failure a form, and around everything
 * that may wait. A handler that answered at once was never late and costs no timer. A call
 * that arrives after its deadline is refused before its handler runs.
 */
export function deadline<Request, Response>(next: Handler<Request, Response>): Handler<Request, Response> {
  return (request, call) => {
    if (call.remainingMs <= 0) throw late();
    const answer = next(request, call);
    if (!(answer instanceof Promise)) return answer;
    // Read again: the handler may have run for a while before it returned its promise.
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
  return new Failure('DEADLINE_EXCEEDED', 'There is no answer within the deadline of this call.');
}
