import type { KeyServiceService } from '../gen/latchkey/admin/v1/key.ts';
import type { UserServiceService } from '../gen/latchkey/admin/v1/user.ts';
import type {
  IdentityServiceService,
  LoginRequest,
  LogoutResponse,
  SignedIn,
} from '../gen/latchkey/v1/identity.ts';
import type { Clock } from '../validator/clock.ts';
import type { Revocation } from '../validator/revocation-set.ts';
import type { Call, CallOptions, CallsOf } from './calls.ts';
import type { Credentials } from './credentials.ts';
import type { TokenValidator } from './validation.ts';

export interface ConnectOptions {
  /** Default: TLS with the certificate authorities of Node. */
  readonly credentials?: Credentials;
  /**
   * Who judges tokens. `local`, the default: this process, with the keys and the revocations that the service tells
   * it; the service is asked only where that does not suffice. `remote`: the service, every time.
   */
  readonly mode?: 'local' | 'remote';
  /** How old what is known of the revocations may be for a verdict given here, milliseconds, at least 500. Default: 5,000. */
  readonly maxStalenessMs?: number;
  /** Whom tokens must be meant for. Default: any audience of the service. */
  readonly audience?: string | undefined;
  /** How many of the tokens used last are remembered, about 2 kB each; for a while twice as many. Default: 10,000; 0: none. */
  readonly tokenCacheSize?: number;
  /**
   * Access token of the caller, sent as `authorization: Bearer` with every call. A function is asked at every
   * call, so that a token can come and be renewed while the connection stays.
   */
  readonly token?: string | (() => string | undefined);
  /** How long a call may take, milliseconds. Default: 5,000. There is no call without a deadline. */
  readonly timeoutMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** How current the knowledge of revocations is that this process holds. */
export interface Staleness {
  /** Every ending acknowledged up to this instant, by the service's clock, is known. Undefined: nothing is known. */
  readonly asOf: Date | undefined;
  /** How long ago that was, milliseconds. `Infinity`: nothing is known. */
  readonly ageMs: number;
}

export type IdentityCalls = CallsOf<typeof IdentityServiceService>;

/** A connection to latchkey. Every call fails with a `LatchkeyError` and with nothing else. */
export interface LatchkeyClient extends TokenValidator {
  readonly mode: 'local' | 'remote';
  readonly identity: IdentityCalls;
  /** For callers whose token carries the role `admin`. */
  readonly users: CallsOf<typeof UserServiceService>;
  /** For callers whose token carries the role `admin`. */
  readonly keys: CallsOf<typeof KeyServiceService>;
  /** Signs a person in. */
  readonly login: Call<LoginRequest, SignedIn>;
  readonly refresh: IdentityCalls['refresh'];
  /** Ends the session of a token, of either kind, expired or not. Once it answers, the session is over for good. */
  logout(
    token: { readonly accessToken: string } | { readonly refreshToken: string },
    options?: CallOptions,
  ): Promise<LogoutResponse>;
  /**
   * Waits until the service is reached and, in local mode, tokens can be judged here. Fails after `timeoutMs`, by
   * default the connection's. Nothing has to wait for it: until then `validate` asks the service.
   */
  ready(timeoutMs?: number): Promise<void>;
  /**
   * Tells of every revocation as it is heard, once. Answers how to stop. What was heard before the listener came is
   * not told. What a listener throws is an uncaught exception of the process. Throws in remote mode, which hears of
   * none.
   */
  onEnding(listener: (revocation: Revocation) => void): () => void;
  readonly staleness: Staleness;
  /** Stops listening for revocations, lets the calls under way come to their end, and closes the connections. */
  close(): Promise<void>;
}
