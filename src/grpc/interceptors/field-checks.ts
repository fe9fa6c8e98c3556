import { FieldIssues } from '../../core/field-issues.ts';
import type { Handler } from '../call.ts';

/** Collects every field of a request that violates the rules in the proto file. Does not throw. */
export type FieldCheck<Request> = (request: Request, issues: FieldIssues) => void;

/**
 * Refuses a request whose fields violate the rules in the proto file. One error names all of them.
 *
 * Innermost: it needs the decoded message, and a refused caller must not learn what a valid request is. The handler
 * can rely on every size limit.
 */
export function fieldChecks<Request, Response>(
  next: Handler<Request, Response>,
  check: FieldCheck<Request>,
): Handler<Request, Response> {
  return (request, call) => {
    const issues = new FieldIssues();
    check(request, issues);
    issues.throwIfAny();
    return next(request, call);
  };
}
