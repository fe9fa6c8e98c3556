import type { ServiceDefinition } from '@grpc/grpc-js';
import { Call, type Handler } from './call.ts';
import type { EncodedMessage, Encoder } from './encoding.ts';
import { encodedResponse } from './interceptors/encoded-response.ts';
import {
  type CallEnvironment,
  interceptorChain,
  type RpcRequests,
  registerService,
  type ServiceRegistration,
  type UnaryCallHandler,
} from './service-registration.ts';
import { statusToSend } from './status-details.ts';

/** One unary rpc: its messages, its callers, its field checks and its handler. */
export interface Rpc<Request, Response> extends RpcRequests<Request> {
  readonly response: Encoder<Response>;
  readonly handle: Handler<Request, Response>;
}

/** The rpcs of a generated service definition, each with its own message types or encoded responses. */
export type Rpcs<Definition> = {
  readonly [Name in keyof Definition]: Definition[Name] extends {
    readonly requestDeserialize: (bytes: Buffer) => infer Request;
    readonly responseSerialize: (message: infer Response) => Buffer;
  }
    ? Rpc<Request, Response> | Rpc<Request, EncodedMessage>
    : never;
};

/** Creates a service from its rpcs, each behind the interceptor chain. */
export function unaryService<Definition extends ServiceDefinition>(
  definition: Definition,
  rpcs: Rpcs<Definition>,
  environment: CallEnvironment,
): ServiceRegistration {
  return registerService(
    definition,
    (key): Rpc<unknown, unknown> => rpcs[key as keyof Definition],
    (rpc, method) => {
      const encoded = encodedResponse(rpc.handle, rpc.response);
      return unaryCallHandler(interceptorChain(encoded, rpc, method, environment), environment);
    },
  );
}

function unaryCallHandler(
  handle: Handler<Buffer, Buffer>,
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
      answer(statusToSend(error));
    }
  };
}
