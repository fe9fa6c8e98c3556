import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Actor } from '../core/audit/security-event.ts';
import type { Failure } from '../core/failure.ts';
import type { IdSource } from '../core/ids.ts';
import type { Clock } from '../validator/clock.ts';
import { peerAddress } from './peer-address.ts';
import { peerConnection } from './peer-connection.ts';

/** Who makes a call, as far as the call's interceptors had to find out. */
export type Caller =
  | {
      /** An access token, judged as the rpc demands. */
      readonly how: 'token';
      readonly userId: string;
      readonly sessionId: string;
      readonly clientId: string;
      readonly roles: readonly string[];
    }
  /** A certificate of the client CA; who holds it is not known any closer. */
  | { readonly how: 'certificate' }
  | { readonly how: 'unknown' };

/** An rpc, by its names in the proto files. */
export interface Method {
  /** For example `latchkey.v1.IdentityService`. */
  readonly service: string;
  /** For example `Validate`. */
  readonly name: string;
}

/** Answers at once where it can: a promise costs a validation a turn of the event loop. */
export type Handler<Request, Response> = (request: Request, call: Call) => Response | Promise<Response>;

/** Wraps a handler of any rpc. It is applied once, when the server is built, not at every call. */
export type Interceptor = <Request, Response>(
  next: Handler<Request, Response>,
  method: Method,
) => Handler<Request, Response>;

/** What of a grpc-js call is needed here. */
export type CallSurface = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'cancelled' | 'getPeer' | 'getDeadline' | 'getAuthContext' | 'once'
>;

/** Who is responsible for what a call does. Only for rpcs that an interceptor admits callers to. */
export function actorOf({ caller }: Call): Actor {
  if (caller.how !== 'token') throw new Error('an rpc that changes something admitted an unknown caller');
  const { userId, sessionId, clientId } = caller;
  return { kind: 'caller', userId, sessionId, clientId };
}

const UNKNOWN_CALLER: Caller = { how: 'unknown' };

/**
 * One call under way, as handlers and interceptors see it. Everything that costs something is made when it is
 * first asked for: a validation that was answered from memory asks for none of it.
 */
export class Call {
  /** Set by the interceptor that admits the caller. */
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

  /** Names this call in the log, and in an error if it is our fault. */
  get correlationId(): string {
    this.#correlationId ??= this.#ids.next(this.#clock.now());
    return this.#correlationId;
  }

  get metadata(): Metadata {
    return this.#surface.metadata;
  }

  /** The caller's IP address without port; empty on a Unix socket. */
  get peerAddress(): string {
    return peerAddress(this.#surface.getPeer());
  }

  /** A name of the call's connection, unique among open connections. */
  get connection(): string {
    return peerConnection(this.#surface);
  }

  /** Whether the caller's certificate was verified against the client CA in the TLS handshake. */
  get hasClientCertificate(): boolean {
    return this.#surface.getAuthContext().sslPeerCertificate !== undefined;
  }

  /** Milliseconds until the caller's deadline; Infinity: it has none. */
  get remainingMs(): number {
    return Number(this.#surface.getDeadline()) - this.#clock.now();
  }

  /** Aborted when nobody waits for the answer any more: the caller went away or its deadline has come. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      if (this.#surface.cancelled) aborter.abort();
      else this.#surface.once('cancelled', () => aborter.abort());
    }
    return this.#aborter.signal;
  }

  /** Gives up the work of this call, if any of it listens to `signal`; the reason is the signal's. */
  abort(reason?: Failure): void {
    this.#aborter?.abort(reason);
  }
}
