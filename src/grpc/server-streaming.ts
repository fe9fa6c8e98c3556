import type { ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import { Failure } from '../core/failure.ts';
import type { IdSource } from '../core/ids.ts';
import type { Clock } from '../validator/clock.ts';
import { Call, type Handler } from './call.ts';
import {
  type CallEnvironment,
  interceptorChain,
  type RpcRequests,
  registerService,
  type ServiceRegistration,
  type StreamingCallHandler,
  statusOf,
} from './service-registration.ts';

type Surface = ServerWritableStream<Buffer, unknown>;

/** A call that is answered with any number of messages, each encoded by its handler. */
export class StreamingCall extends Call {
  readonly #stream: Surface;

  constructor(stream: Surface, ids: IdSource, clock: Clock) {
    super(stream, ids, clock);
    this.#stream = stream;
  }

  /** @param taken called when the message has left for the network: when the reader has made room for it. */
  send(message: Buffer, taken: () => void): void {
    this.#stream.write(message, (error?: Error | null) => {
      if (error === null || error === undefined) taken();
    });
  }
}

/** One rpc: its request, who may call it, what its fields must be, and what it tells. */
export interface StreamingRpc<Request> extends RpcRequests<Request> {
  /**
   * Sends by itself. The stream ends when the promise settles; what it rejects with is the caller's status. Has to
   * settle once `call.signal` is aborted, with the reason if that is a `Failure`.
   */
  readonly handle: (request: Request, call: StreamingCall) => Promise<void>;
}

/** The rpcs of a generated service definition, or of a part of one, each with its own request. */
export type StreamingRpcs<Definition> = {
  readonly [Name in keyof Definition]: Definition[Name] extends {
    readonly requestDeserialize: (bytes: Buffer) => infer Request;
  }
    ? StreamingRpc<Request>
    : never;
};

/**
 * Makes a service of its rpcs, each behind the chain of interceptors; the time that is measured is that of the whole
 * stream. Once it drains, its streams end as DRAINING.
 */
export function serverStreamingService<Definition extends ServiceDefinition>(
  definition: Definition,
  rpcs: StreamingRpcs<Definition>,
  environment: CallEnvironment,
): ServiceRegistration {
  const underWay = new UnderWay();
  const registration = registerService(
    definition,
    (key): StreamingRpc<unknown> => rpcs[key as keyof Definition],
    (rpc, method) => {
      const tracked = underWay.tracking(rpc.handle);
      return streamingCallHandler(interceptorChain(tracked, rpc, method, environment), environment);
    },
  );
  return { ...registration, drain: () => underWay.drain() };
}

/** The calls whose handlers have begun. */
class UnderWay {
  readonly #calls = new Set<StreamingCall>();
  #isDraining = false;

  drain(): void {
    this.#isDraining = true;
    for (const call of this.#calls) call.abort(draining());
  }

  /** Innermost: what was refused before is not under way. */
  tracking<Request>(handle: StreamingRpc<Request>['handle']): Handler<Request, void> {
    return async (request, call) => {
      if (this.#isDraining) throw draining();
      if (!(call instanceof StreamingCall)) throw new TypeError('a stream without its call');
      this.#calls.add(call);
      try {
        await handle(request, call);
      } finally {
        this.#calls.delete(call);
      }
    };
  }
}

function draining(): Failure {
  return new Failure('DRAINING', 'The server is about to stop: call again on another connection.');
}

function streamingCallHandler(
  handle: Handler<Buffer, void>,
  { ids, clock }: CallEnvironment,
): StreamingCallHandler {
  return (stream) => {
    tell(new StreamingCall(stream, ids, clock)).then(() => stream.end(), refuse);

    async function tell(call: StreamingCall): Promise<void> {
      await handle(stream.request, call);
    }

    /** The library sends what is emitted as an error as the status of the call. */
    function refuse(error: unknown): void {
      stream.emit('error', statusOf(error));
    }
  };
}
