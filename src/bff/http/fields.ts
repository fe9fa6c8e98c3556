import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Makes the server read forms as browsers send them. If a field is sent twice, the last value wins. */
export function readForms(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(text))));
    },
  );
}

/** A field of a form. Empty: it is missing. */
export function field({ body }: FastifyRequest, name: string): string {
  const value = (body as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

/** A parameter of the query. Empty: it is missing, or there are several. */
export function parameter({ query }: FastifyRequest, name: string): string {
  const value = (query as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

/** A parameter of the path. */
export function pathPart({ params }: FastifyRequest, name: string): string {
  return (params as Readonly<Record<string, string>>)[name] ?? '';
}
