import { status } from '@grpc/grpc-js';
import { KeyServiceService } from '../gen/latchkey/admin/v1/key.ts';
import { UserServiceService } from '../gen/latchkey/admin/v1/user.ts';
import {
  IdentityServiceService,
  type LoginResponse,
  type LogoutRequest,
  type SignedIn,
} from '../gen/latchkey/v1/identity.ts';
import type { Clock } from '../validator/clock.ts';
import { abandonable } from './abandonable.ts';
import { withPort } from './address.ts';
import { calledAs } from './caller-stack.ts';
import { type Caller, callsOf, checkedTimeout } from './calls.ts';
import { Channels, closedError } from './channels.ts';
import { checkConnect, demandFault } from './connect-options.ts';
import { channelCredentials } from './credentials.ts';
import { LatchkeyError } from './errors.ts';
import type { ConnectOptions, LatchkeyClient } from './latchkey-client.ts';
import { LocalMode, RemoteMode, type ValidationMode } from './modes.ts';
import { checkedAnswer } from './own-token.ts';
import { RemoteValidation } from './remote-validation.ts';
import type { TokenValidator } from './validation.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_STALENESS_MS = 5_000;
const DEFAULT_TOKEN_CACHE_SIZE = 10_000;
const MACHINE_CLOCK: Clock = { now: Date.now, monotonic: performance.now.bind(performance) };

/**
 * Makes a client. Connects at the first call, and again by itself whenever the connection was lost. In local mode it
 * listens for revocations from the first `validate`, `ready` or `onEnding` on. With several addresses it watches the
 * health of each from the first call on. While it listens or watches it keeps the process alive, until it is closed.
 *
 * Throws a `TypeError` where an address or an option is not what it must be, or a certificate or key cannot be used.
 *
 * @param address `host:port`, or any other target of gRPC: `dns:///host:port`, `unix:/path`. The default port is
 * 50051. Of several, calls are spread over those that answer and report SERVING; if none does, over all.
 */
export function connect(address: string | readonly string[], options: ConnectOptions = {}): LatchkeyClient {
  const addresses: readonly string[] = Array.isArray(address) ? address : [address];
  checkConnect(addresses, options);
  const { token, timeoutMs = DEFAULT_TIMEOUT_MS, clock = MACHINE_CLOCK } = options;
  const { credentials = { kind: 'tls' } } = options;
  const ofChannels = channelCredentials(credentials);
  const isTls = credentials.kind !== 'plaintext';
  const targets = addresses.map((one) => ({ address: withPort(one), isTls }));
  const channels = new Channels(targets, ofChannels, clock);
  const caller: Caller = {
    channels,
    timeoutMs,
    token: typeof token === 'function' ? () => checkedAnswer(token()) : () => token,
    now: () => clock.now(),
    refuses: () => channels.isRefusing,
  };
  const identity = callsOf(IdentityServiceService, caller);
  const login: LatchkeyClient['login'] = (request, callOptions) =>
    calledAs('Login', identity.login(request, callOptions).then(signedIn), login);
  // What is under way when the client is closed may still have to ask the service.
  const mode = modeOf({ ...caller, refuses: () => false }, clock, options);
  return {
    mode: options.mode ?? 'local',
    identity,
    users: callsOf(UserServiceService, caller),
    keys: callsOf(KeyServiceService, caller),
    login,
    refresh: identity.refresh,
    logout: (token, callOptions) => identity.logout({ token: logoutToken(token) }, callOptions),
    validate: (accessToken, demand) => {
      const fault = channels.isRefusing ? closedError() : demandFault(demand);
      if (fault !== undefined) return calledAs('Validate', Promise.reject(fault));
      const validation = mode.validate(
        typeof accessToken === 'string' ? accessToken : '',
        demand ?? undefined,
      );
      if (demand?.signal === undefined) return validation;
      return calledAs('Validate', abandonable(validation, demand.signal));
    },
    ready: (withinMs = timeoutMs) => calledAs('ready', ready(mode, withinMs)),
    onEnding: (listener) => mode.onEnding(listener),
    get staleness() {
      return mode.staleness;
    },
    close: async () => {
      channels.refuse();
      await mode.close();
      await channels.close();
    },
  };
}

async function ready(mode: ValidationMode, timeoutMs: number): Promise<void> {
  await mode.ready(Math.max(0, checkedTimeout(timeoutMs)));
}

/** A service of a later release may answer an outcome that is not known here. */
function signedIn({ outcome }: LoginResponse): SignedIn {
  if (outcome?.$case === 'signedIn') return outcome.value;
  throw new LatchkeyError(
    status.UNIMPLEMENTED,
    'The service asks for a further step to sign in; update latchkey-client.',
  );
}

/** Neither or both: the service says what is wrong with that. */
function logoutToken(token: Partial<Record<'accessToken' | 'refreshToken', string>>): LogoutRequest['token'] {
  const { accessToken, refreshToken } = token;
  if (accessToken !== undefined && refreshToken === undefined)
    return { $case: 'accessToken', value: accessToken };
  if (refreshToken !== undefined && accessToken === undefined)
    return { $case: 'refreshToken', value: refreshToken };
  return undefined;
}

function modeOf(caller: Caller, clock: Clock, options: ConnectOptions): ValidationMode {
  const { channels, timeoutMs } = caller;
  const { batchValidate } = callsOf(IdentityServiceService, caller);
  const { maxStalenessMs = DEFAULT_MAX_STALENESS_MS } = options;
  const audience = options.audience === '' ? undefined : options.audience;
  const asking = new RemoteValidation({
    batchValidate,
    audience,
    connections: channels.size,
    timeoutMs,
    clock,
  });
  const remote: TokenValidator = {
    validate: (token, demand) => channels.track(asking.validate(token, demand)),
  };
  if (options.mode === 'remote') return new RemoteMode(caller, remote);
  const { tokenCacheSize = DEFAULT_TOKEN_CACHE_SIZE } = options;
  return new LocalMode({ caller, remote, clock, maxStalenessMs, audience, tokenCacheSize });
}
