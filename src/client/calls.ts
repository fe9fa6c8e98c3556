import { type Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { LatchkeyError, latchkeyError } from './errors.ts';

export interface CallOptions {
  /** How long to wait for the answer. Default: the connection's `timeoutMs`. */
  readonly timeoutMs?: number;
  /** Sent as `authorization: Bearer`. Default: the connection's `token`. */
  readonly token?: string;
  /** Gives the call up; it fails with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** An rpc with one request and one answer. Fields that are left out are empty, as in the protocol. */
export type Call<Request, Response> = (
  request: Readonly<Partial<Request>>,
  options?: CallOptions,
) => Promise<Response>;

/** What is used of a generated service definition's method. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Request;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** The rpcs of a generated service definition, each as a function that answers with a promise. */
export type CallsOf<Service> = {
  readonly [Name in keyof Service]: Service[Name] extends Method<infer Request, infer Response>
    ? Call<Request, Response>
    : never;
};

/** What the calls of one connection share. */
export interface Caller {
  readonly client: Client;
  readonly timeoutMs: number;
  readonly token: () => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const EMPTY = Buffer.alloc(0);

export function callsOf<Service extends Readonly<Record<string, unknown>>>(
  service: Service,
  caller: Caller,
): CallsOf<Service> {
  const calls = Object.entries(service).map(([name, method]) => {
    const rpc = method as Method<object, unknown>;
    const call: Call<object, unknown> = async (request, options = {}) => {
      try {
        return await unary(caller, rpc, request, options);
      } catch (error) {
        if (error instanceof LatchkeyError) throw error;
        throw new LatchkeyError(status.INVALID_ARGUMENT, `The call of ${name} could not be sent.`, {}, error);
      }
    };
    return [name, call];
  });
  return Object.fromEntries(calls) as CallsOf<Service>;
}

function unary(
  caller: Caller,
  method: Method<object, unknown>,
  fields: object,
  { timeoutMs = caller.timeoutMs, token = caller.token(), signal }: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new LatchkeyError(status.CANCELLED, 'The call was given up.'));
      return;
    }
    const abort = () => call.cancel();
    const call = caller.client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      // The message with every field empty, so that callers name only what they mean.
      { ...method.requestDeserialize(EMPTY), ...fields },
      bearer(token),
      { deadline: caller.now() + timeoutMs },
      (error: ServiceError | null, response?: unknown) => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(response);
        else reject(latchkeyError(error));
      },
    );
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function bearer(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
