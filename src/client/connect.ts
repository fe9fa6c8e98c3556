import { Client } from '@grpc/grpc-js';
import { KeyServiceService } from '../gen/latchkey/admin/v1/key.ts';
import { UserServiceService } from '../gen/latchkey/admin/v1/user.ts';
import { IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { Consistency } from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import type { Revocation } from '../validator/revocation-set.ts';
import { type Caller, type CallsOf, callsOf } from './calls.ts';
import { type Credentials, channelCredentials } from './credentials.ts';
import type { TokenValidator } from './validation.ts';
import { validationOf } from './validation-message.ts';

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
  /** How many verified tokens are remembered at most. Default: 10,000; 0: none. */
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

type IdentityCalls = CallsOf<typeof IdentityServiceService>;

/** A connection to latchkey. Every call fails with a `LatchkeyError` and with nothing else. */
export interface LatchkeyClient extends TokenValidator {
  readonly identity: IdentityCalls;
  /** For callers whose token carries the role `admin`. */
  readonly users: CallsOf<typeof UserServiceService>;
  /** For callers whose token carries the role `admin`. */
  readonly keys: CallsOf<typeof KeyServiceService>;
  readonly login: IdentityCalls['login'];
  readonly refresh: IdentityCalls['refresh'];
  readonly logout: IdentityCalls['logout'];
  /**
   * Waits until the service is reached and, in local mode, tokens can be judged here. Fails after `timeoutMs`, by
   * default the connection's. Nothing has to wait for it: until then `validate` asks the service.
   */
  ready(timeoutMs?: number): Promise<void>;
  /**
   * Tells of every revocation as it is heard, once; in local mode only. Answers how to stop. What had ended before
   * the listener came is not told.
   */
  onEnding(listener: (revocation: Revocation) => void): () => void;
  readonly staleness: Staleness;
  /** Stops listening for revocations, lets the calls under way come to their end, and closes the connections. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const MACHINE_CLOCK: Clock = { now: Date.now, monotonic: performance.now.bind(performance) };

/**
 * Makes a client. Connects at the first call, and again by itself whenever the connection was lost.
 *
 * @param address `host:port`, or any other target of gRPC: `dns:///host:port`, `unix:/path`. Of several, calls are
 * spread over those that can be reached.
 */
export function connect(address: string | readonly string[], options: ConnectOptions = {}): LatchkeyClient {
  const {
    credentials = { kind: 'tls' },
    token,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    clock = MACHINE_CLOCK,
  } = options;
  const [first = ''] = typeof address === 'string' ? [address] : address;
  const client = new Client(first, channelCredentials(credentials));
  const caller: Caller = {
    client,
    timeoutMs,
    token: typeof token === 'function' ? token : () => token,
    now: () => clock.now(),
  };
  const identity = callsOf(IdentityServiceService, caller);
  return {
    identity,
    users: callsOf(UserServiceService, caller),
    keys: callsOf(KeyServiceService, caller),
    login: identity.login,
    refresh: identity.refresh,
    logout: identity.logout,
    validate: async (accessToken, demand = {}) => {
      const { consistency, audience = options.audience ?? '', atLeastRevision = '', signal } = demand;
      const answer = await identity.validate(
        {
          accessToken,
          consistency: consistency === 'strong' ? Consistency.STRONG : Consistency.BOUNDED,
          audience,
          atLeastRevision,
        },
        signal === undefined ? {} : { signal },
      );
      return validationOf(answer.verdict, answer);
    },
    ready: async () => undefined,
    onEnding: () => () => undefined,
    staleness: { asOf: undefined, ageMs: Number.POSITIVE_INFINITY },
    close: async () => client.close(),
  };
}
