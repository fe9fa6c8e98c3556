import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { RouteNeeds } from '../bff-context.ts';
import type { OperationView } from '../views.ts';

/** The JSON Schema of a field: as much of it as the API needs. */
export interface FieldSchema {
  readonly type: 'string';
  readonly description: string;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** An operation of the API: what it needs, what it does, and what it answers. The OpenAPI document consists of them. */
export interface Operation {
  readonly method: HTTPMethods;
  /** With parameters as Fastify writes them: `/api/sessions/:sessionId`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly needs?: RouteNeeds;
  /** The fields of the body. Default: there is no body. */
  readonly body?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** Parameters of the query. */
  readonly query?: Readonly<Record<string, FieldSchema>>;
  /** By status. Those that follow from `method` and `needs` are left out. */
  readonly responses: Readonly<Record<string, string>>;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** What the OpenAPI document is about. */
export const API_INFO = { title: 'latchkey BFF', version: '1' } as const;

const COMMON_RESPONSES = {
  400: 'The request is malformed.',
  500: 'A fault of this program; `requestId` is in its log.',
  503: 'The service does not answer; `Retry-After` says when to repeat. The cookies stay.',
};
const SESSION_RESPONSES = { 401: 'There is no session, or it has ended: `reason` and `endReason` say why.' };
const WRONG_SOURCE = 'The request does not come from a page of this site, or `x-csrf-token` is wrong';
const CHANGE_RESPONSES = { 403: `${WRONG_SOURCE}.` };
/** Of an operation that signs somebody in. */
export const SIGN_IN_RESPONSES = {
  403: `${WRONG_SOURCE}. Or a risk rule refused the sign-in: \`SIGN_IN_RISK\`.`,
};

/** Registers the operations with Fastify, which checks the bodies. */
export function registerOperations(app: FastifyInstance, operations: readonly Operation[]): void {
  for (const { method, path: url, needs, body, required = [], query, handler } of operations) {
    const schema = {
      ...(body !== undefined && { body: bodySchema(body, required) }),
      ...(query !== undefined && { querystring: { type: 'object', properties: query } }),
    };
    app.route({ method, url, schema, config: { needs: { ...needs, isApi: true } }, handler });
  }
}

/** If no field is required, the body may be missing: Fastify then takes it for null. */
function bodySchema(properties: object, required: readonly string[]): object {
  const type = required.length === 0 ? ['object', 'null'] : 'object';
  return { type, properties, required, additionalProperties: false };
}

/** The OpenAPI document (version 3.1). */
export function openApiDocument(operations: readonly Operation[], server: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = openApiPath(operation.path);
    paths[path] = { ...paths[path], [String(operation.method).toLowerCase()]: operationObject(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      ...API_INFO,
      description:
        'Sessions of browsers. Tokens are in cookies that scripts cannot read. Each change needs the header ' +
        '`x-csrf-token` with the token of `GET /api/session`. Errors are problems (RFC 9457) with a `reason`.',
    },
    servers: [{ url: server }],
    paths,
  };
}

function operationObject(operation: Operation): object {
  const { tag, summary, description, body, required = [], query = {}, path } = operation;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, { description: text, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    description: text,
    schema,
  }));
  const parameters = [...inPath, ...inQuery];
  const schema = { type: 'object', properties: body, required };
  return {
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: required.length > 0, content: { 'application/json': { schema } } },
    }),
    responses: Object.fromEntries(
      Object.entries(responsesOf(operation)).map(([status, text]) => [status, { description: text }]),
    ),
  };
}

/** An operation as the page `/api` shows it. */
export function operationView(operation: Operation): OperationView {
  const { method, path, tag, summary, description = '', body = {}, required = [], query = {} } = operation;
  const fields = Object.entries({ ...body, ...query }).map(([name, field]) => ({
    name,
    type: field.type,
    isRequired: required.includes(name),
    description: field.description,
  }));
  const responses = Object.entries(responsesOf(operation)).map(([status, text]) => ({
    status,
    description: text,
  }));
  return { method: String(method), path: openApiPath(path), tag, summary, description, fields, responses };
}

function responsesOf({ method, needs, responses }: Operation): Readonly<Record<string, string>> {
  return {
    ...COMMON_RESPONSES,
    ...(needs?.session === 'required' && SESSION_RESPONSES),
    ...(method !== 'GET' && CHANGE_RESPONSES),
    ...responses,
  };
}

function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}
