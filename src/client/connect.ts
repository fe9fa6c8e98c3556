import { Client } from '@grpc/grpc-js';
import { KeyServiceService } from '../gen/latchkey/admin/v1/key.ts';
import { UserServiceService } from '../gen/latchkey/admin/v1/user.ts';
import { IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { type Caller, type CallsOf, callsOf } from './calls.ts';
import { channelCredentials, type Transport } from './transport.ts';

export interface ConnectOptions {
  /** Default: TLS with the certificate authorities of Node. */
  readonly transport?: Transport;
  /**
   * Access token of the caller, sent as `authorization: Bearer` with every call. A function is asked at every
   * call, so that a token can come and be renewed while the connection stays.
   */
  readonly token?: string | (() => string | undefined);
  /** How long a call may take, milliseconds. Default: 5,000. There is no call without a deadline. */
  readonly timeoutMs?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** A connection to latchkey. Every call fails with a `LatchkeyError` and with nothing else. */
export interface LatchkeyClient {
  readonly identity: CallsOf<typeof IdentityServiceService>;
  /** For callers whose token carries the role `admin`. */
  readonly users: CallsOf<typeof UserServiceService>;
  /** For callers whose token carries the role `admin`. */
  readonly keys: CallsOf<typeof KeyServiceService>;
  /** Closes the connection once the calls under way have ended. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Makes a client. Connects at the first call, and again by itself whenever the connection was lost.
 *
 * @param address `host:port`, or any other target of gRPC: `dns:///host:port`, `unix:/path`.
 */
export function connect(address: string, options: ConnectOptions = {}): LatchkeyClient {
  const { transport = { kind: 'tls' }, token, timeoutMs = DEFAULT_TIMEOUT_MS, now = Date.now } = options;
  const client = new Client(address, channelCredentials(transport));
  const caller: Caller = {
    client,
    timeoutMs,
    token: typeof token === 'function' ? token : () => token,
    now,
  };
  return {
    identity: callsOf(IdentityServiceService, caller),
    users: callsOf(UserServiceService, caller),
    keys: callsOf(KeyServiceService, caller),
    close: () => client.close(),
  };
}
