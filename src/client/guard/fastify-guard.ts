import { type Access, checkedAccess } from './access.ts';
import { checkGuard, type GuardClient, type GuardOptions } from './admission.ts';
import { HttpGuard, type RawRequest, type RawResponse } from './http-guard.ts';
import { httpRefusal } from './http-refusal.ts';

/**
 * Options of `fastifyGuard`.
 *
 * @example
 * const options: FastifyGuardOptions = { otherwise: { anyRole: ['admin'] } };
 * await fastify.register(fastifyGuard(latchkey, options));
 */
export interface FastifyGuardOptions extends GuardOptions {
  /** Access to routes without `config.access`, and to paths without a route. Default: `signed-in`. */
  readonly otherwise?: Access | undefined;
}

/** The parts of Fastify 4 and 5 that the guard uses. The client does not depend on Fastify. */
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

/**
 * A plugin for Fastify 4 and 5.
 *
 * @example
 * const guard: FastifyGuard = fastifyGuard(latchkey);
 * await fastify.register(guard);
 */
export type FastifyGuard = (instance: Instance, options: unknown, done: (error?: Error) => void) => void;

/**
 * Creates a Fastify plugin that guards every route of the application.
 *
 * Register it before routes and other plugins. A route sets its access in `config: { access }`; an invalid access fails
 * the registration of the route. Refused requests get 401 or 403, or 503 if validation is not possible. An open
 * response, such as an event stream, is closed when its session ends.
 *
 * @param client a client from `connect`.
 * @param options see {@link FastifyGuardOptions}.
 * @throws TypeError if the client or an option is invalid.
 *
 * @example
 * await fastify.register(fastifyGuard(latchkey));
 * fastify.get('/health', { config: { access: 'public' } }, async () => 'ok');
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
      // Returning the reply tells Fastify that the request is answered.
      return reply.send(body);
    });
    done();
  };
  // As fastify-plugin does: without these, the hooks would apply only inside the plugin.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'latchkey-guard',
  });
}

function accessOf(config: unknown): Access | undefined {
  return (config as { readonly access?: Access } | undefined)?.access;
}
