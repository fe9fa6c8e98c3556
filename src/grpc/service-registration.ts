import type { ServerUnaryCall, ServerWritableStream, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import type { IdSource } from '../core/ids.ts';
import type { Clock } from '../validator/clock.ts';
import type { Handler, Interceptor, Method } from './call.ts';
import type { Decoder } from './encoding.ts';
import { deadline } from './interceptors/deadline.ts';
import { decodedRequest } from './interceptors/decoded-request.ts';
import { errorTranslation } from './interceptors/error-translation.ts';
import { type FieldCheck, fieldChecks } from './interceptors/field-checks.ts';
import { type CallMetrics, metrics } from './interceptors/metrics.ts';
import { DEFAULT_LIMITS, type RequestLimits } from './request-limits.ts';
import type { ServerLog } from './server-log.ts';

/** What calls of every rpc need. */
export interface CallEnvironment {
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly callMetrics: CallMetrics;
}

/** An rpc in the form that grpc-js expects, with its request limits. */
export type BoundedMethod = ServiceDefinition[string] & { readonly limits: RequestLimits };

/** A service in the form that grpc-js expects. */
export interface ServiceRegistration {
  /** For example `latchkey.v1.IdentityService`. */
  readonly name: string;
  readonly definition: Readonly<Record<string, BoundedMethod>>;
  readonly implementation: Readonly<Record<string, UnaryCallHandler | StreamingCallHandler>>;
  /** Ends the streams that would otherwise stay open. Undefined if the service has none. */
  readonly drain?: () => void;
}

export type UnaryCallHandler = (
  call: ServerUnaryCall<Buffer, unknown>,
  answer: sendUnaryData<unknown>,
) => void;

export type StreamingCallHandler = (call: ServerWritableStream<Buffer, unknown>) => void;

/** The request side of an rpc, unary or streaming. */
export interface RpcRequests<Request> {
  readonly request: Decoder<Request>;
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: RequestLimits;
  /** Default: any caller. */
  readonly callers?: Interceptor;
  readonly check: FieldCheck<Request>;
}

/**
 * Creates a service from a generated definition or a part of one.
 *
 * @param handlerOf creates the grpc-js handler. Called once per rpc. Requests and responses are encoded messages.
 */
export function registerService<SomeRpc extends RpcRequests<unknown>>(
  definition: ServiceDefinition,
  rpcOf: (key: string) => SomeRpc,
  handlerOf: (rpc: SomeRpc, method: Method) => UnaryCallHandler | StreamingCallHandler,
): ServiceRegistration {
  const methods: Record<string, BoundedMethod> = {};
  const implementation: Record<string, UnaryCallHandler | StreamingCallHandler> = {};
  let service = '';
  for (const [key, generated] of Object.entries(definition)) {
    const rpc = rpcOf(key);
    const method = methodOf(generated.path);
    service = method.service;
    methods[key] = {
      ...generated,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      limits: rpc.limits ?? DEFAULT_LIMITS,
    };
    implementation[key] = handlerOf(rpc, method);
  }
  return { name: service, definition: methods, implementation };
}

/** @param path for example `/latchkey.v1.IdentityService/Login`. */
function methodOf(path: string): Method {
  const [, service = '', name = ''] = path.split('/');
  return { service, name };
}

/**
 * Wraps a handler in the interceptor chain. A call passes it from the last line to the first. Each interceptor's file
 * explains its place in the chain.
 */
export function interceptorChain<Request, Response>(
  handle: Handler<Request, Response>,
  { request, limits = DEFAULT_LIMITS, callers, check }: RpcRequests<Request>,
  method: Method,
  environment: CallEnvironment,
): Handler<Buffer, Response> {
  const checked = fieldChecks(handle, check);
  const decoded = decodedRequest(checked, request, limits);
  const admitted = callers === undefined ? decoded : callers(decoded, method);
  const inTime = deadline(admitted);
  const translated = errorTranslation(inTime, method, environment.log);
  return metrics(translated, method, environment);
}
