import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { IdSource } from '../core/ids.ts';
import type { Clock } from '../validator/clock.ts';
import type { Handler, Interceptor, Method } from './call.ts';
import type { Decoder } from './encoding.ts';
import { deadline } from './interceptors/deadline.ts';
import { decodedRequest } from './interceptors/decoded-request.ts';
import { errorTranslation } from './interceptors/error-translation.ts';
import { type FieldCheck, fieldChecks } from './interceptors/field-checks.ts';
import { type CallMetrics, metrics } from './interceptors/metrics.ts';
import { type RequestLimits, USUAL_LIMITS } from './request-limits.ts';
import { RpcError } from './rpc-error.ts';
import type { ServerLog } from './server-log.ts';

/** What every call needs, whichever rpc it is of. */
export interface CallEnvironment {
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly callMetrics: CallMetrics;
}

/** An rpc as the grpc-js server takes it, with the limits of its requests. */
export type BoundedMethod = ServiceDefinition[string] & { readonly limits: RequestLimits };

/** A service as the grpc-js server takes it. */
export interface ServiceRegistration {
  /** For example `latchkey.v1.IdentityService`. */
  readonly name: string;
  readonly definition: Readonly<Record<string, BoundedMethod>>;
  readonly implementation: Readonly<Record<string, UnaryCallHandler | StreamingCallHandler>>;
  /** Ends what would go on for as long as the caller likes. Left out: there is nothing of the kind. */
  readonly drain?: () => void;
}

export type UnaryCallHandler = (
  call: ServerUnaryCall<Buffer, unknown>,
  answer: sendUnaryData<unknown>,
) => void;

export type StreamingCallHandler = (call: ServerWritableStream<Buffer, unknown>) => void;

/** What an rpc says of its requests, however they are answered. */
export interface RpcRequests<Request> {
  readonly request: Decoder<Request>;
  /** Default: USUAL_LIMITS. */
  readonly limits?: RequestLimits;
  /** Left out: anybody may call. */
  readonly callers?: Interceptor;
  readonly check: FieldCheck<Request>;
}

/**
 * Makes a service of the rpcs of a generated definition, or of a part of one.
 *
 * @param handlerOf makes what the library calls, once for each rpc; its requests and answers are encoded messages.
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
      limits: rpc.limits ?? USUAL_LIMITS,
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
 * The chain of interceptors around a handler. A call passes it from the last line to the first; each interceptor's
 * file says why it stands where it does.
 */
export function interceptorChain<Request, Response>(
  handle: Handler<Request, Response>,
  { request, limits = USUAL_LIMITS, callers, check }: RpcRequests<Request>,
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

/** What is sent of an error. The chain throws nothing but `RpcError`; anything else is a fault outside of it. */
export function statusOf(error: unknown): Partial<StatusObject> {
  return error instanceof RpcError ? error : { code: status.INTERNAL, details: 'A fault of the service.' };
}
