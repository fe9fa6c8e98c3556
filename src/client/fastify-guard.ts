import { type Access, checkedAccess } from './access.ts';
import { checkGuard, type GuardClient, type GuardOptions } from './admission.ts';
import { HttpGuard, type RawRequest, type RawResponse } from './http-guard.ts';
import { httpRefusal } from './http-refusal.ts';

export interface FastifyGuardOptions extends GuardOptions {
  /** Access of a route whose `config` has no `access`, and of paths without a route. Default: `signed-in`. */
  readonly otherwise?: Access;
}

/** What is used of Fastify, 4 or 5; the client does not depend on it. */
interface Route {
  readonly url: string;
  readonly config?: unknown;
}

interface Request {
  readonly raw: RawRequest;
  readonly routeOptions: { readonly config?: unknown };
}

interface Reply {
  readonly raw: RawResponse;
  code(statusCode: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: unknown): unknown;
}

interface Instance {
  addHook(name: 'onRequest', hook: (request: Request, reply: Reply) => Promise<unknown>): unknown;
  addHook(name: 'onRoute', hook: (route: Route) => void): unknown;
}

export type FastifyGuard = (instance: Instance, options: unknown, done: (error?: Error) => void) => void;

/**
 * Guards every route of the application: `await app.register(fastifyGuard(client))`, before routes and plugins are
 * registered. A route says who may call it in its `config: { access }`; one that says something else fails to be
 * registered. Refused requests get 401, 403, or 503 where nobody can say; a response under way, such as an event
 * stream, is cut off when the session ends.
 */
export function fastifyGuard(client: GuardClient, options: FastifyGuardOptions = {}): FastifyGuard {
  checkGuard('fastifyGuard', client, options, { otherwise: true });
  const otherwise = checkedAccess(options.otherwise ?? 'signed-in', 'otherwise');
  const guard = new HttpGuard(client, options);
  const plugin: FastifyGuard = (instance, _options, done) => {
    instance.addHook('onRoute', ({ url, config }) => {
      const access = accessOf(config);
      if (access !== undefined) checkedAccess(access, url);
    });
    instance.addHook('onRequest', async (request, reply) => {
      const access = accessOf(request.routeOptions.config) ?? otherwise;
      const refusal = await guard.refusalOf(request.raw, reply.raw, request, access);
      if (refusal === undefined) return undefined;
      const { statusCode, headers, body } = httpRefusal(refusal);
      reply.code(statusCode);
      reply.headers(headers);
      // To answer with the reply tells Fastify that it is answered.
      return reply.send(body);
    });
    done();
  };
  // Without these the hooks would hold inside the plugin only (what fastify-plugin does).
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'latchkey-guard',
  });
}

function accessOf(config: unknown): Access | undefined {
  return (config as { readonly access?: Access } | undefined)?.access;
}
