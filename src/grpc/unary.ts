import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { IdSource } from '../core/ids.ts';
import type { Clock } from '../validator/clock.ts';
import { Call, type Handler, type Interceptor, type Method } from './call.ts';
import {
  type Decoder,
  decodeStrictly,
  type EncodedMessage,
  type Encoder,
  type MalformedMessage,
} from './encoding.ts';
import { deadline } from './interceptors/deadline.ts';
import { encodedResponse } from './interceptors/encoded-response.ts';
import { errorTranslation } from './interceptors/error-translation.ts';
import { type FieldCheck, fieldChecks } from './interceptors/field-checks.ts';
import { malformedMessage } from './interceptors/malformed-message.ts';
import { type CallMetrics, metrics } from './interceptors/metrics.ts';
import { RpcError } from './rpc-error.ts';
import type { ServerLog } from './server-log.ts';

/** What every call needs, whichever rpc it is of. */
export interface CallEnvironment {
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly callMetrics: CallMetrics;
}

/** One rpc: its messages, who may call it, what its fields must be, and what it does. */
export interface Rpc<Request, Response> {
  readonly request: Decoder<Request>;
  readonly response: Encoder<Response>;
  /** Left out: anybody may call. */
  readonly callers?: Interceptor;
  readonly check: FieldCheck<Request>;
  readonly handle: Handler<Request, Response>;
}

/** The rpcs of a generated service definition, each with its own messages, or with answers it has encoded itself. */
export type Rpcs<Definition> = {
  readonly [Name in keyof Definition]: Definition[Name] extends {
    readonly requestDeserialize: (bytes: Buffer) => infer Request;
    readonly responseSerialize: (message: infer Response) => Buffer;
  }
    ? Rpc<Request, Response> | Rpc<Request, EncodedMessage>
    : never;
};

/** A service as the grpc-js server takes it. */
export interface ServiceRegistration {
  /** For example `latchkey.v1.IdentityService`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly implementation: Readonly<Record<string, UnaryCallHandler | StreamingCallHandler>>;
  /** Ends what would go on for as long as the caller likes. Left out: there is nothing of the kind. */
  readonly drain?: () => void;
}

export type StreamingCallHandler = (call: ServerWritableStream<unknown, unknown>) => void;

type UnaryCallHandler = (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => void;

/** Makes a service of its rpcs, each behind the chain of interceptors. */
export function unaryService<Definition extends ServiceDefinition>(
  definition: Definition,
  rpcs: Rpcs<Definition>,
  environment: CallEnvironment,
): ServiceRegistration {
  const methods: Record<string, ServiceDefinition[string]> = {};
  const implementation: Record<string, UnaryCallHandler> = {};
  let service = '';
  for (const [key, generated] of Object.entries(definition)) {
    const rpc: Rpc<unknown, unknown> = rpcs[key as keyof Definition];
    const method = methodOf(generated.path);
    service = method.service;
    methods[key] = {
      ...generated,
      requestDeserialize: (bytes: Buffer) => decodeStrictly(rpc.request, bytes),
      responseSerialize: (bytes: Buffer) => bytes,
    };
    implementation[key] = unaryCallHandler(chain(rpc, method, environment), environment);
  }
  return { name: service, definition: methods, implementation };
}

/**
 * The chain of interceptors around a handler. A call passes it from the last line to the first; each interceptor's
 * file says why it stands where it does.
 */
function chain<Request, Response>(
  rpc: Rpc<Request, Response>,
  method: Method,
  environment: CallEnvironment,
): Handler<Request | MalformedMessage, Buffer> {
  const encoded = encodedResponse(rpc.handle, rpc.response);
  const checked = fieldChecks(encoded, rpc.check);
  const admitted = rpc.callers === undefined ? checked : rpc.callers(checked, method);
  const decoded = malformedMessage(admitted);
  const inTime = deadline(decoded);
  const translated = errorTranslation(inTime, method, environment.log);
  return metrics(translated, method, environment);
}

function unaryCallHandler(
  handle: Handler<unknown, Buffer>,
  { ids, clock }: CallEnvironment,
): UnaryCallHandler {
  return (surface, answer) => {
    try {
      const response = handle(surface.request, new Call(surface, ids, clock));
      if (response instanceof Promise) response.then((bytes) => answer(null, bytes)).catch(refuse);
      else answer(null, response);
    } catch (error) {
      refuse(error);
    }

    function refuse(error: unknown): void {
      answer(
        error instanceof RpcError ? error : { code: status.INTERNAL, details: 'A fault of the service.' },
      );
    }
  };
}

/** @param path for example `/latchkey.v1.IdentityService/Login`. */
export function methodOf(path: string): Method {
  const [, service = '', name = ''] = path.split('/');
  return { service, name };
}
