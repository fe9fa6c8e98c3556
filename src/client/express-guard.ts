import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Access, checkRoles } from './access.ts';
import { checkGuard, type GuardClient, type GuardOptions } from './admission.ts';
import { HttpGuard } from './http-guard.ts';
import { httpRefusal } from './http-refusal.ts';

/** For Express 4 and 5, connect, and anything else that takes such a function over `node:http`. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

export interface ExpressGuard {
  /** Admits whoever presents a good token. */
  readonly signedIn: Middleware;
  /** Admits those of them that have at least one of the roles. Throws a `TypeError` where no role is named. */
  anyRole(...roles: readonly (string | readonly string[])[]): Middleware;
}

/**
 * Middleware that guards what comes after it: `app.use(guard.signedIn)`, `app.delete('/x', guard.anyRole('admin'), …)`.
 * What comes before it is public, and an HTTP `upgrade` does not come to it: see the guide. Refused requests get 401,
 * 403, or 503 where nobody can say; a response under way, such as an event stream, is cut off when the session ends.
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
          // Somebody else has answered meanwhile, for example because it took too long.
          if (response.headersSent || response.closed) return;
          if (refusal === undefined) {
            // Not from here: what it throws is not the guard's failure.
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
