import { type Client, type ClientUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { SessionServiceService as AdminSessionServiceService } from '../../gen/latchkey/admin/v1/session.ts';
import { IdentityServiceService } from '../../gen/latchkey/v1/identity.ts';
import { SessionServiceService } from '../../gen/latchkey/v1/session.ts';
import { ValidationServiceService } from '../../gen/latchkey/v1/validation.ts';
import { Backoff, pause } from './backoff.ts';
import { calledAs } from './caller-stack.ts';
import { cancellableWithin, cancelledError } from './cancellable.ts';
import { type Channels, closedError } from './channels.ts';
import type { Connection } from './connection.ts';
import { LatchkeyError, latchkeyError } from './errors.ts';
import { checkedToken } from './own-token.ts';

/**
 * Options of a single call.
 *
 * @example
 * const options: CallOptions = { timeoutMs: 10_000, signal: AbortSignal.timeout(8_000) };
 * const { tokens } = await latchkey.login({ username, password }, options);
 */
export interface CallOptions {
  /** Timeout of the call, in milliseconds; at most 24 days. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Access token, sent as `authorization: Bearer`. Default: the client's `token` or `serviceAccount`. */
  readonly token?: string | undefined;
  /** Cancels the call, which then fails with CANCELLED. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** A unary RPC. Omitted fields have their default value, as in the protocol. */
export type Call<Request, Response> = (
  request: Readonly<Partial<Request>>,
  options?: CallOptions,
) => Promise<Response>;

/** The parts of a generated method definition that the client uses. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Request;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** The unary RPCs of a generated service definition, each as a function that returns a promise. */
export type CallsOf<Service> = {
  readonly [Name in keyof Service]: Service[Name] extends Method<infer Request, infer Response>
    ? Call<Request, Response>
    : never;
};

/** What all calls of one client share. */
export interface Caller {
  readonly channels: Channels;
  readonly timeoutMs: number;
  readonly token: () => string | undefined | Promise<string | undefined>;
  /** Called with a token from `token` that the service rejected. The next call gets a new one. */
  readonly forgetToken?: (token: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether new calls are refused because the client is closing. */
  readonly refuses: () => boolean;
}

/**
 * Idempotent methods, which are safe to retry. A repeated Login could open two sessions, and an admin change must not
 * be made twice. Other methods are retried only if the request was not sent.
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  IdentityServiceService.validate.path,
  IdentityServiceService.batchValidate.path,
  IdentityServiceService.refresh.path,
  IdentityServiceService.logout.path,
  SessionServiceService.listSessions.path,
  SessionServiceService.explainSession.path,
  SessionServiceService.endSession.path,
  SessionServiceService.changePassword.path,
  AdminSessionServiceService.listSessions.path,
  AdminSessionServiceService.explainSession.path,
  AdminSessionServiceService.endSession.path,
  ValidationServiceService.getSigningKeys.path,
]);
const MAX_ATTEMPTS = 3;
const RETRY_MS = { first: 25, max: 400 };
/** The longer pause gives grpc-js time to reconnect; milliseconds. */
const RETRY_UNSENT_MS = { first: 200, max: 400 };
/** The error text of grpc-js if the service refused the stream. */
const STREAM_REFUSED = 'Stream refused by server';
/** 24 days: timers of Node, in client and service, overflow beyond 2^31 milliseconds. */
const MAX_TIMEOUT_MS = 24 * 86_400_000;
const SIGN_IN_LATE = 'The service account did not sign in in time.';
const CONNECTION_LATE = 'No connection to the service was made in time.';
const UNSENT = { isUnsent: true };
const EMPTY = Buffer.alloc(0);

export function callsOf<Service extends Readonly<Record<string, unknown>>>(
  service: Service,
  caller: Caller,
): CallsOf<Service> {
  const calls = Object.entries(service)
    .filter(([, method]) => !(method as { readonly responseStream: boolean }).responseStream)
    .map(([name, method]) => {
      const rpc = method as Method<object, unknown>;
      const call: Call<object, unknown> = (request, options = {}) => {
        const work = caller.refuses()
          ? Promise.reject(closedError())
          : caller.channels.track(withRetries(caller, rpc, request, options));
        return calledAs(rpc.path.slice(rpc.path.lastIndexOf('/') + 1), work, call);
      };
      return [name, call];
    });
  return Object.fromEntries(calls) as CallsOf<Service>;
}

/** Retries on the next address if that is safe and the service or the connection is unavailable. */
async function withRetries(
  caller: Caller,
  method: Method<object, unknown>,
  fields: object,
  options: CallOptions,
): Promise<unknown> {
  const deadline = deadlineOf(caller, checkedTimeout(options.timeoutMs ?? caller.timeoutMs));
  const isRepeatable = REPEATABLE.has(method.path);
  const backoff = new Backoff(isRepeatable ? RETRY_MS : RETRY_UNSENT_MS);
  let hasForgotten = false;
  for (let tries = 1; ; tries += 1) {
    let token: string | undefined;
    try {
      if (options.signal?.aborted) throw cancelledError();
      token =
        options.token ??
        (await inTime(caller.token(), deadline - caller.now(), options.signal, SIGN_IN_LATE));
      return await attempt(caller, method, fields, { ...options, token }, deadline);
    } catch (caught) {
      const error = errorOf(caught);
      const isRefused = error.reason === 'CALLER_UNAUTHENTICATED' && options.token === undefined;
      if (isRefused && token !== undefined && caller.forgetToken !== undefined && !hasForgotten) {
        hasForgotten = true;
        caller.forgetToken(token);
        continue;
      }
      const waitMs = Math.max(backoff.next(), error.retryAfterMs ?? 0);
      const isLast = tries === MAX_ATTEMPTS || !(isRepeatable || error.isUnsent);
      if (isLast || error.code !== status.UNAVAILABLE || caller.now() + waitMs >= deadline) throw error;
      await pause(waitMs, options.signal);
    }
  }
}

/** The deadline in milliseconds since 1970. Throws if it has already passed. */
function deadlineOf(caller: Caller, timeoutMs: number): number {
  if (timeoutMs <= 0)
    throw new LatchkeyError(status.DEADLINE_EXCEEDED, 'The deadline has already passed.', UNSENT);
  return caller.now() + timeoutMs;
}

/** Limits the timeout to 24 days. Throws if it is not a number. */
export function checkedTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs)) return Math.min(timeoutMs, MAX_TIMEOUT_MS);
  throw new LatchkeyError(
    status.INVALID_ARGUMENT,
    `timeoutMs is ${typeof timeoutMs === 'number' ? timeoutMs : `a ${typeof timeoutMs}`}; it must be a number.`,
    UNSENT,
  );
}

/** Anything that a call may throw, for example in the `token` function, as a LatchkeyError. */
export function errorOf(caught: unknown): LatchkeyError {
  if (caught instanceof LatchkeyError) return caught;
  return new LatchkeyError(status.INVALID_ARGUMENT, 'The request could not be sent.', UNSENT, caught);
}

async function attempt(
  caller: Caller,
  method: Method<object, unknown>,
  fields: object,
  { token, signal }: Omit<CallOptions, 'token'> & { readonly token: string | undefined },
  deadline: number,
): Promise<unknown> {
  const pick = caller.channels.pick(deadline);
  const connection = await inTime(pick, deadline - caller.now(), signal, CONNECTION_LATE);
  // Starts from a message with default values, so that callers may omit fields.
  const request = { ...method.requestDeserialize(EMPTY), ...fields };
  try {
    return await unary(connection, method, request, bearer(token), deadline, signal);
  } catch (error) {
    if (error instanceof LatchkeyError && error.isUnavailable) connection.markUnhealthy();
    throw error;
  }
}

/** Bounds this call's wait for a sign-in or a connection. Other calls may wait longer for the same one. */
function inTime<T>(
  work: T | Promise<T>,
  withinMs: number,
  signal: AbortSignal | undefined,
  late: string,
): T | Promise<T> {
  return work instanceof Promise ? cancellableWithin(work, withinMs, signal, late) : work;
}

function unary(
  connection: Connection,
  method: Method<object, unknown>,
  request: object,
  metadata: Metadata,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { client } = connection;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelledError());
      return;
    }
    if (connection.isClosed) {
      reject(
        new LatchkeyError(status.UNAVAILABLE, 'The connection was just replaced; retry the call.', UNSENT),
      );
      return;
    }
    let isAborted = false;
    const abort = () => {
      isAborted = true;
      call.cancel();
    };
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline },
      (error: ServiceError | null, response?: unknown) => {
        signal?.removeEventListener('abort', abort);
        const failure = error === null ? undefined : failureOf(error, connection, call);
        end(failure === undefined || failure.reason !== undefined);
        if (failure === undefined) resolve(response);
        else reject(isAborted ? cancelledError() : failure);
      },
    );
    const end = connection.begin(() => {
      // A call that is not safe to retry keeps waiting: the service may only be slow.
      if (!REPEATABLE.has(method.path)) return;
      reject(new LatchkeyError(status.UNAVAILABLE, 'The service stopped responding on this connection.'));
      call.cancel();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function failureOf(error: ServiceError, connection: Connection, call: ClientUnaryCall): LatchkeyError {
  const failure = latchkeyError(error, connection.target, isUnsent(connection.client, call, error));
  // CANCELLED without a reason from the service: the answer is lost, for example because its process was killed.
  if (failure.code !== status.CANCELLED || failure.reason !== undefined) return failure;
  return new LatchkeyError(status.UNAVAILABLE, 'The service ended the call without a response.', {}, error);
}

/** Before a call has a stream, grpc-js returns the channel's target as its peer. */
function isUnsent(client: Client, call: ClientUnaryCall, { code, details }: ServiceError): boolean {
  if (code !== status.UNAVAILABLE) return false;
  return call.getPeer() === client.getChannel().getTarget() || details === STREAM_REFUSED;
}

export function bearer(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${checkedToken(token)}`);
  return metadata;
}
