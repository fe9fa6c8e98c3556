import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Access, checkRoles } from './access.ts';
import { checkGuard, type GuardClient, type GuardOptions } from './admission.ts';
import { HttpGuard } from './http-guard.ts';
import { httpRefusal } from './http-refusal.ts';

/**
 * Middleware for Express 4 and 5, connect, and other frameworks on `node:http`.
 *
 * @example
 * const signedIn: Middleware = expressGuard(latchkey).signedIn;
 * app.use(signedIn);
 */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * The middleware that `expressGuard` creates.
 *
 * @example
 * const guard: ExpressGuard = expressGuard(latchkey);
 * app.use(guard.signedIn);
 */
export interface ExpressGuard {
  /** Admits callers with a valid token. */
  readonly signedIn: Middleware;
  /**
   * Admits callers whose token has at least one of the roles.
   *
   * @throws TypeError if there is no role, or a role is empty.
   *
   * @example
   * app.delete('/orders', guard.anyRole('admin', 'support'), removeOrders);
   */
  anyRole(...roles: readonly (string | readonly string[])[]): Middleware;
}

/**
 * Creates middleware that guards everything registered after it.
 *
 * Handlers registered before it are public. An HTTP `upgrade` does not reach middleware: see the README. Refused
 * requests get 401 or 403, or 503 if validation is not possible. An open response, such as an event stream, is
 * closed when its session ends.
 *
 * @param client a client from `connect`.
 * @param options see {@link GuardOptions}.
 * @throws TypeError if the client or an option is invalid.
 *
 * @example
 * const guard = expressGuard(latchkey);
 * app.use(guard.signedIn);
 * app.delete('/orders', guard.anyRole('admin'), removeOrders);
 */
export function expressGuard(client: GuardClient, options: GuardOptions = {}): ExpressGuard {
  checkGuard('expressGuard', client, options);
  const guard = new HttpGuard(client, options);
  const middleware =
    (access: Access): Middleware =>
    (request, response, next) => {
      guard
        .refusalOf(request, response, request, access)
        .then((refusal) => {
          // Another handler has already responded, for example after a timeout.
          if (response.headersSent || response.closed) return;
          if (refusal === undefined) {
            // In a new turn, so that an error of the handler is not caught below.
            setImmediate(next);
            return;
          }
          const { statusCode, headers, body } = httpRefusal(refusal);
          response.writeHead(statusCode, headers).end(JSON.stringify(body));
        })
        .catch(next);
    };
  return {
    signedIn: middleware('signed-in'),
    anyRole: (...roles) => {
      const anyRole = roles.flat();
      checkRoles(anyRole, 'anyRole', "anyRole('admin')");
      return middleware({ anyRole });
    },
  };
}
