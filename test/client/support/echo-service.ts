import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { latchkeyError } from '../../../src/client/transport/errors.ts';

const asIs = {
  serialize: (text: string) => Buffer.from(text),
  deserialize: (bytes: Buffer) => String(bytes),
};

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asIs.serialize,
    requestDeserialize: asIs.deserialize,
    responseSerialize: asIs.serialize,
    responseDeserialize: asIs.deserialize,
  };
}

const ECHO: ServiceDefinition = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  serverStream: method('ServerStream', false, true),
  chat: method('Chat', true, true),
};

export type Outcome = { readonly messages: readonly string[] } & (
  | { readonly ok: true }
  | { readonly ok: false; readonly error: ReturnType<typeof latchkeyError> }
);

/** A gRPC server with the four kinds of method behind interceptors, and a client for it. Messages are text. */
export class EchoService {
  readonly #server: Server;
  readonly #client: Client;

  private constructor(server: Server, client: Client) {
    this.#server = server;
    this.#client = client;
  }

  static async start(
    handlers: UntypedServiceImplementation,
    interceptors: ServerInterceptor[],
    more: (server: Server) => void = () => undefined,
  ): Promise<EchoService> {
    const server = new Server({ interceptors });
    server.addService(ECHO, handlers);
    more(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return new EchoService(server, new Client(`127.0.0.1:${port}`, credentials.createInsecure()));
  }

  /** Sends the messages all at once, half-closes by default, and collects the responses. */
  open(
    name: string,
    messages: readonly string[],
    given: { authorization?: string; stayOpen?: boolean; path?: string; unread?: boolean } = {},
  ): {
    readonly received: string[];
    readonly outcome: Promise<Outcome>;
    write(message: string): void;
    /** Starts to read the responses of a call that was opened unread. */
    read(): void;
    cancel(): void;
  } {
    const metadata = new Metadata();
    if (given.authorization !== undefined) metadata.set('authorization', given.authorization);
    const path = given.path ?? `/test.Echo/${name}`;
    const deadline = Date.now() + 20_000;
    // All kinds of method have the same wire format, so each can be called as a bidirectional stream.
    const { serialize, deserialize } = asIs;
    const call = this.#client.makeBidiStreamRequest(path, serialize, deserialize, metadata, { deadline });
    const received: string[] = [];
    const outcome = new Promise<Outcome>((resolve) => {
      call.on('data', (message: string) => received.push(message));
      call.on('error', (error: ServiceError) =>
        resolve({
          ok: false,
          error: latchkeyError(error, { address: 'echo', isTls: false }),
          messages: received,
        }),
      );
      call.on('end', () => resolve({ ok: true, messages: received }));
    });
    if (given.unread === true) call.pause();
    for (const message of messages) call.write(message);
    if (given.stayOpen !== true) call.end();
    return {
      received,
      outcome,
      write: (message) => call.write(message),
      read: () => call.resume(),
      cancel: () => call.cancel(),
    };
  }

  close(): void {
    this.#client.close();
    this.#server.forceShutdown();
  }
}
