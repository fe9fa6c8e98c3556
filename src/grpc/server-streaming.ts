import type { ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import { draining, Failure } from '../core/failure.ts';
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
} from './service-registration.ts';
import { statusToSend } from './status-details.ts';

type ServerStream = ServerWritableStream<Buffer, unknown>;

/** A call that gets any number of response messages. Its handler encodes them. */
export class StreamingCall extends Call {
  readonly #stream: ServerStream;

  constructor(stream: ServerStream, ids: IdSource, clock: Clock) {
    super(stream, ids, clock);
    this.#stream = stream;
  }

  /** @param taken called when the message was passed to the network. A slow reader delays this. */
  send(message: Buffer, taken: () => void): void {
    this.#stream.write(message, (error?: Error | null) => {
      if (error === null || error === undefined) taken();
    });
  }
}

/** One server-streaming rpc: its request, its callers, its field checks and its handler. */
export interface StreamingRpc<Request> extends RpcRequests<Request> {
  /**
   * Sends messages with `call.send`. The stream ends when the promise settles; a rejection becomes the status. Must
   * settle once `call.signal` aborts, and reject with its reason if that is a `Failure`.
   */
  readonly handle: (request: Request, call: StreamingCall) => Promise<void>;
}

/** The rpcs of a generated service definition or of a part of one, each with its own request type. */
export type StreamingRpcs<Definition> = {
  readonly [Name in keyof Definition]: Definition[Name] extends {
    readonly requestDeserialize: (bytes: Buffer) => infer Request;
  }
    ? StreamingRpc<Request>
    : never;
};

/**
 * Creates a service from its rpcs, each behind the interceptor chain. The measured time is that of the whole stream.
 * When the service drains, its streams end with DRAINING.
 */
export function serverStreamingService<Definition extends ServiceDefinition>(
  definition: Definition,
  rpcs: StreamingRpcs<Definition>,
  environment: CallEnvironment,
): ServiceRegistration {
  const inProgress = new CallsInProgress();
  const registration = registerService(
    definition,
    (key): StreamingRpc<unknown> => rpcs[key as keyof Definition],
    (rpc, method) => {
      const tracked = inProgress.tracking(rpc.handle);
      return streamingCallHandler(interceptorChain(tracked, rpc, method, environment), environment);
    },
  );
  return { ...registration, drain: () => inProgress.drain() };
}

/** Why the signal of a call was aborted. */
export function reasonOf({ reason }: AbortSignal): Failure {
  return reason instanceof Failure ? reason : new Failure('CANCELLED', 'The caller cancelled the call.');
}

/** The watcher behind a stream. */
export interface StreamedWatcher {
  /** Reads the present state. */
  read(): Promise<void>;
  close(): void;
}

/** Reads the present state, waits until `done` settles or the call ends, then closes the watcher. */
export async function runWatch(
  { signal }: StreamingCall,
  watcher: StreamedWatcher,
  done: PromiseWithResolvers<void>,
): Promise<void> {
  const stop = () => done.reject(reasonOf(signal));
  try {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.race([watcher.read(), done.promise]);
    await done.promise;
  } finally {
    watcher.close();
  }
}

/** The calls whose handlers are running. */
class CallsInProgress {
  readonly #calls = new Set<StreamingCall>();
  #isDraining = false;

  drain(): void {
    this.#isDraining = true;
    for (const call of this.#calls) call.abort(draining());
  }

  /** Innermost, so that refused calls are not tracked. */
  tracking<Request>(handle: StreamingRpc<Request>['handle']): Handler<Request, void> {
    return async (request, call) => {
      if (this.#isDraining) throw draining();
      if (!(call instanceof StreamingCall)) throw new TypeError('the call is not a StreamingCall');
      this.#calls.add(call);
      try {
        await handle(request, call);
      } finally {
        this.#calls.delete(call);
      }
    };
  }
}

function streamingCallHandler(
  handle: Handler<Buffer, void>,
  { ids, clock }: CallEnvironment,
): StreamingCallHandler {
  return (stream) => {
    run(new StreamingCall(stream, ids, clock)).then(() => stream.end(), refuse);

    async function run(call: StreamingCall): Promise<void> {
      await handle(stream.request, call);
    }

    /** The library sends an emitted error as the status of the call. */
    function refuse(error: unknown): void {
      stream.emit('error', statusToSend(error));
    }
  };
}
