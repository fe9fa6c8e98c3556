import cookie from '@fastify/cookie';
import { type FastifyInstance, type FastifyServerOptions, fastify, LogController } from 'fastify';
import type { Clock } from '../client/index.ts';
import type { BffContext, Site } from './bff-context.ts';
import { BoundCookies } from './browser/bound-cookies.ts';
import { Cookies } from './browser/cookies.ts';
import { CsrfTokens } from './browser/csrf.ts';
import { EventStreams } from './browser/event-streams.ts';
import { FlowCookies } from './browser/flow-cookie.ts';
import { keysOf, Macs, randomKey } from './browser/macs.ts';
import { PreSessions } from './browser/pre-session.ts';
import { TicketCookies } from './browser/ticket-cookie.ts';
import { type BffConfig, isHttps } from './config/bff-config.ts';
import { readFileOf, readKeyPair } from './config/files.ts';
import { connectTo, Front, frontKindOf } from './front.ts';
import { answerBadUrl, answerErrors } from './http/errors.ts';
import { readForms } from './http/fields.ts';
import { guard } from './http/guard.ts';
import { registerOperations } from './http/operations.ts';
import { RequestsInProgress } from './http/requests-in-progress.ts';
import { securityHeaders } from './http/security-headers.ts';
import type { Pages } from './pages.ts';
import { approveRoutes } from './routes/approve-routes.ts';
import { passwordRoutes } from './routes/password-routes.ts';
import { providerOperations } from './routes/provider-operations.ts';
import { providerRoutes } from './routes/provider-routes.ts';
import { publicRoutes } from './routes/public-routes.ts';
import { sessionOperations } from './routes/session-operations.ts';
import { sessionRoutes } from './routes/session-routes.ts';
import { signInRoutes } from './routes/sign-in-routes.ts';
import { ticketOperations } from './routes/ticket-operations.ts';
import { BrowserSessions } from './session/browser-sessions.ts';
import { ProviderList } from './session/provider-list.ts';
import { Refreshes } from './session/refreshes.ts';
import { RevocationListeners } from './session/revocation-listeners.ts';

/** A running BFF. */
export interface Bff {
  /** Where browsers reach the pages. */
  readonly origin: string;
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Ends the event streams, finishes the requests in progress, and signs its account out. */
  close(): Promise<void>;
}

/** What `openBff` needs besides the configuration. */
export interface BffParts {
  readonly clock: Clock;
  readonly pages: Pages;
  /** Default: none. */
  readonly logger?: FastifyServerOptions['logger'];
}

/** Upper bound of the body of a request. The largest form repeats the answer of a provider. */
const MAX_BODY_BYTES = 16_384;
/** How long a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 15_000;
const TLS_VARIABLES = { certificate: 'LATCHKEY_BFF_TLS_CERT', privateKey: 'LATCHKEY_BFF_TLS_KEY' };
const COOKIE_KEYS = 'LATCHKEY_BFF_COOKIE_KEYS_FILE';

/**
 * Starts to serve browsers. Does not wait for the service: until that answers, requests that need it get 503.
 *
 * @throws Error if a file cannot be used or the address is taken.
 */
export async function openBff(config: BffConfig, { clock, pages, logger = false }: BffParts): Promise<Bff> {
  const isSecure = isHttps(config.publicOrigin) || config.tls !== undefined;
  const app = fastify({
    logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    frameworkErrors: (_error, request, reply) => answerBadUrl(context, request, reply),
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    ...(config.tls && { https: readKeyPair(TLS_VARIABLES, config.tls) }),
  }) as FastifyInstance;
  // Node.js exchanges the two timeouts if this one is the longer, as it is by default: bodies would have a minute.
  app.server.headersTimeout = REQUEST_TIMEOUT_MS;
  const macs = new Macs(cookieKeys(config));
  const site: Site = { origin: config.publicOrigin ?? '' };
  const context = contextOf(config, { clock, pages }, macs, site, isSecure);
  const { client, revocations, streams } = context;

  const requests = new RequestsInProgress(app);
  securityHeaders(app, isSecure);
  guard(app, context);
  await app.register(cookie);
  readForms(app);
  answerErrors(app, context);
  const operations = [
    ...sessionOperations(context),
    ...ticketOperations(context),
    ...providerOperations(context),
  ];
  registerOperations(app, operations);
  publicRoutes(app, context, operations);
  signInRoutes(app, context);
  approveRoutes(app, context);
  sessionRoutes(app, context);
  passwordRoutes(app, context);
  providerRoutes(app, context);

  const { host, port } = config.listen;
  try {
    const url = await app.listen({ host, port }).catch((error: Error) => {
      throw new Error(
        `LATCHKEY_BFF_LISTEN: ${error.message}. Choose another port, or stop the program that has it.`,
      );
    });
    site.origin ||= url;
    if (!isSecure) {
      app.log.warn('plain http: cookies have no Secure and no __Host- prefix; only for development');
    }
    return {
      origin: site.origin,
      url,
      close: async () => {
        streams.close();
        const closed = app.close();
        await requests.idle();
        app.server.closeAllConnections();
        await closed;
        revocations.close();
        await client.close();
      },
    };
  } catch (error) {
    revocations.close();
    await client.close();
    throw error;
  }
}

/** @throws Error whose message begins with the variable. */
function cookieKeys({ cookieKeysFile: path }: BffConfig): readonly Buffer[] {
  if (path === undefined) return [randomKey()];
  const text = readFileOf(COOKIE_KEYS, path).toString('utf8');
  try {
    return keysOf(text);
  } catch (error) {
    throw new Error(`${COOKIE_KEYS}: ${(error as Error).message}.`);
  }
}

function contextOf(
  config: BffConfig,
  { clock, pages }: Pick<BffParts, 'clock' | 'pages'>,
  macs: Macs,
  site: Site,
  isSecure: boolean,
): BffContext {
  const { clientId, service } = config;
  const client = connectTo(service, clock);
  const front = new Front(frontKindOf(service));
  const cookies = new Cookies(isSecure);
  const preSessions = new PreSessions(cookies, macs);
  const boundCookies = new BoundCookies(cookies, macs, preSessions);
  const refreshes = new Refreshes({ client, clock, clientId });
  return {
    client,
    clock,
    clientId,
    front,
    site,
    isSecure,
    pages,
    cookies,
    preSessions,
    csrf: new CsrfTokens(macs),
    tickets: new TicketCookies(boundCookies),
    flows: new FlowCookies(boundCookies),
    providers: new ProviderList(client, clock),
    sessions: new BrowserSessions({ client, refreshes, cookies, front, clock }),
    revocations: new RevocationListeners(client),
    streams: new EventStreams(),
  };
}
