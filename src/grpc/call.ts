import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Actor } from '../core/audit/security-event.ts';
import type { Failure } from '../core/failure.ts';
import type { IdSource } from '../core/ids.ts';
import type { CallSource } from '../core/password/password-queue.ts';
import type { Clock } from '../validator/clock.ts';
import { networkOf, peerAddress } from './peer-address.ts';
import { peerConnection } from './peer-connection.ts';

/** Who makes a call. Interceptors set only what the rpc requires. */
export type Caller =
  | {
      /** An access token, validated to the requirements of the rpc. */
      readonly how: 'token';
      readonly userId: string;
      readonly sessionId: string;
      readonly clientId: string;
      readonly roles: readonly string[];
    }
  /** A certificate issued by the client CA. The holder is not identified further. */
  | { readonly how: 'certificate' }
  | { readonly how: 'unknown' };

/** An rpc, named as in the proto files. */
export interface Method {
  /** For example `latchkey.v1.IdentityService`. */
  readonly service: string;
  /** For example `Validate`. */
  readonly name: string;
}

/** Responds synchronously if it can. A promise costs a validation one turn of the event loop. */
export type Handler<Request, Response> = (request: Request, call: Call) => Response | Promise<Response>;

/** Wraps a handler of any rpc. Applied once, when the server is built, not per call. */
export type Interceptor = <Request, Response>(
  next: Handler<Request, Response>,
  method: Method,
) => Handler<Request, Response>;

/** The part of a grpc-js call that is used here. */
export type CallSurface = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'cancelled' | 'getPeer' | 'getDeadline' | 'getAuthContext' | 'once'
>;

/** Returns the caller. Throws if no interceptor has authenticated the caller by token. */
export function signedInCaller({ caller }: Call): Extract<Caller, { readonly how: 'token' }> {
  if (caller.how !== 'token') throw new Error('this rpc must authenticate callers by token');
  return caller;
}

/** Returns the actor of a call. Throws like `signedInCaller`. */
export function actorOf(call: Call): Actor {
  const { userId, sessionId, clientId } = signedInCaller(call);
  return { kind: 'caller', userId, sessionId, clientId };
}

const UNKNOWN_CALLER: Caller = { how: 'unknown' };

/**
 * One call in progress, as handlers and interceptors see it. Costly values are created on first access.
 * A validation that is answered from memory needs none of them.
 */
export class Call {
  /** Set by the interceptor that authenticates the caller. */
  caller: Caller = UNKNOWN_CALLER;
  readonly #surface: CallSurface;
  readonly #ids: IdSource;
  readonly #clock: Clock;
  #correlationId: string | undefined;
  #aborter: AbortController | undefined;

  constructor(surface: CallSurface, ids: IdSource, clock: Clock) {
    this.#surface = surface;
    this.#ids = ids;
    this.#clock = clock;
  }

  /** Identifies this call in the log and in INTERNAL errors. */
  get correlationId(): string {
    this.#correlationId ??= this.#ids.next(this.#clock.now());
    return this.#correlationId;
  }

  get metadata(): Metadata {
    return this.#surface.metadata;
  }

  /** The caller's IP address without the port. Empty on a Unix socket. */
  get peerAddress(): string {
    return peerAddress(this.#surface.getPeer());
  }

  /** Identifies the call's connection. Unique among open connections. */
  get connection(): string {
    return peerConnection(this.#surface);
  }

  /** Whether the TLS handshake verified the caller's certificate against the client CA. */
  get hasClientCertificate(): boolean {
    return this.#surface.getAuthContext().sslPeerCertificate !== undefined;
  }

  /** Milliseconds until the caller's deadline. Infinity if it has none. */
  get remainingMs(): number {
    return Number(this.#surface.getDeadline()) - this.#clock.now();
  }

  /** Aborts when the call is cancelled, its deadline passes, or `abort` is called. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      if (this.#surface.cancelled) aborter.abort();
      else this.#surface.once('cancelled', () => aborter.abort());
    }
    return this.#aborter.signal;
  }

  /** Aborts `signal`, with this reason, if anything has read it. */
  abort(reason?: Failure): void {
    this.#aborter?.abort(reason);
  }
}

/**
 * Returns the source of a call, for queues that share capacity between sources.
 *
 * @param ipAddress the user's address, if a front stated it. Default: the peer's address.
 */
export function callSource(
  call: Call,
  purpose: CallSource['purpose'],
  ipAddress: string = call.peerAddress,
): CallSource {
  return { purpose, address: networkOf(ipAddress), connection: call.connection };
}
