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
  statusOf,
  type UnaryCallHandler,
} from './service-registration.ts';

/** One rpc: its messages, who may call it, what its fields must be, and what it does. */
export interface Rpc<Request, Response> extends RpcRequests<Request> {
  readonly response: Encoder<Response>;
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

/** Makes a service of its rpcs, each behind the chain of interceptors. */
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
      answer(statusOf(error));
    }
  };
}
