import type { Handler } from '../call.ts';
import { FieldFaults } from '../field-faults.ts';

/** Notes every field of a request that is not as the proto file says. Throws nothing. */
export type FieldCheck<Request> = (request: Request, faults: FieldFaults) => void;

/**
 * Refuses a request with fields that are not as the proto file says, naming all of them at once.
 *
 * Innermost: it needs a decoded message, and who may not call is not told what a good request would be. Behind
 * it a handler can rely on every size limit.
 */
export function fieldChecks<Request, Response>(
  next: Handler<Request, Response>,
  check: FieldCheck<Request>,
): Handler<Request, Response> {
  return (request, call) => {
    const faults = new FieldFaults();
    check(request, faults);
    faults.throwIfAny();
    return next(request, call);
  };
}
