import type { FastifyInstance } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { sendPage } from '../http/answers.ts';
import { API_INFO, type Operation, openApiDocument, operationView } from '../http/operations.ts';
import { pageOf } from '../http/page-view.ts';

const FOREVER = 'public, max-age=31536000, immutable';
/** How long the signing keys may be kept, in seconds, even if the service allows longer. */
const MAX_KEYS_AGE_SECONDS = 300;
const READY_TIMEOUT_MS = 1_000;
const API = { config: { needs: { isApi: true } } } as const;

/** What needs no session: the description of the API, the signing keys, health, and the files of the pages. */
export function publicRoutes(
  app: FastifyInstance,
  context: BffContext,
  operations: readonly Operation[],
): void {
  app.get('/openapi.json', API, () => openApiDocument(operations, context.site.origin));
  app.get('/api', { config: { needs: { session: 'optional' } } }, (request, reply) => {
    const page = pageOf(context, request, reply);
    const view = { page, ...API_INFO, operations: operations.map(operationView) };
    return sendPage(reply, context.pages.apiDocumentPage(view));
  });

  const keys = new PublishedKeys(context);
  app.get('/.well-known/jwks.json', API, async (_request, reply) => {
    const { jwks, maxAge } = await keys.current();
    return reply
      .header('cache-control', `public, max-age=${maxAge}`)
      .type('application/jwk-set+json')
      .send(jwks);
  });

  app.get('/healthz', API, () => ({ live: true }));
  app.get('/readyz', API, async (_request, reply) => {
    const isReady = await context.client.ready(READY_TIMEOUT_MS).then(
      () => true,
      () => false,
    );
    return reply.code(isReady ? 200 : 503).send({ ready: isReady });
  });

  for (const { path, contentType, body } of context.pages.assets) {
    app.get(path, API, (_request, reply) =>
      reply.header('cache-control', FOREVER).type(contentType).send(body),
    );
  }
}

interface PublishedKeySet {
  /** A JWK Set in JSON. */
  readonly jwks: string;
  /** In seconds. */
  readonly maxAge: number;
}

/** The signing keys, read again when they are too old. Calls the service once at a time. */
class PublishedKeys {
  readonly #context: BffContext;
  #latest: (PublishedKeySet & { readonly until: number }) | undefined;
  #reading: Promise<PublishedKeySet> | undefined;

  constructor(context: BffContext) {
    this.#context = context;
  }

  current(): Promise<PublishedKeySet> {
    const latest = this.#latest;
    if (latest !== undefined && this.#context.clock.monotonic() < latest.until)
      return Promise.resolve(latest);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<PublishedKeySet> {
    const { jwks, maxAge: allowed } = await this.#context.client.validation.getSigningKeys({});
    const maxAge = Math.min(MAX_KEYS_AGE_SECONDS, allowed?.seconds ?? 0);
    this.#latest = { jwks, maxAge, until: this.#context.clock.monotonic() + maxAge * 1_000 };
    return this.#latest;
  }
}
