import { AuditServiceService } from '../gen/latchkey/admin/v1/audit.ts';
import { KeyServiceService } from '../gen/latchkey/admin/v1/key.ts';
import { SessionServiceService as AdminSessionServiceService } from '../gen/latchkey/admin/v1/session.ts';
import { UserServiceService } from '../gen/latchkey/admin/v1/user.ts';
import { UserIdentityServiceService } from '../gen/latchkey/admin/v1/user_identity.ts';
import { ExternalLoginServiceService } from '../gen/latchkey/v1/external_login.ts';
import { IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { QrLoginServiceService } from '../gen/latchkey/v1/qr_login.ts';
import { SessionServiceService } from '../gen/latchkey/v1/session.ts';
import { ValidationServiceService } from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import { checkConnect } from './connect-options.ts';
import { LocalMode, RemoteMode, type ValidationMode } from './modes.ts';
import { withPort } from './transport/address.ts';
import { calledAs } from './transport/caller-stack.ts';
import { type Caller, callsOf, checkedTimeout } from './transport/calls.ts';
import { cancellable } from './transport/cancellable.ts';
import { Channels, closedError } from './transport/channels.ts';
import { channelCredentials } from './transport/credentials.ts';
import type { ConnectOptions, LatchkeyClient } from './transport/latchkey-client.ts';
import { OpenWatches } from './transport/open-watch.ts';
import { checkedAnswer } from './transport/own-token.ts';
import { RemoteValidation } from './transport/remote-validation.ts';
import { ServiceAccount } from './transport/service-account.ts';
import { SESSION_WATCH_OPTIONS, watchedSession } from './transport/session-watch.ts';
import { signInCalls } from './transport/sign-in.ts';
import { TICKET_WATCH_OPTIONS, watchedTicket } from './transport/ticket-watch.ts';
import { requirementsProblem, type TokenValidator } from './transport/validation.ts';
import { WatchChannels } from './transport/watch-channels.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_STALENESS_MS = 5_000;
const DEFAULT_TOKEN_CACHE_SIZE = 10_000;
const MACHINE_CLOCK: Clock = { now: Date.now, monotonic: performance.now.bind(performance) };

/**
 * Creates a client of latchkey.
 *
 * The client connects at the first call and reconnects automatically. In local mode it follows the revocation log
 * from the first `validate`, `ready` or `onRevocation` on. With several addresses it watches the health of each from
 * the first call on. While it does either, it keeps the process alive until `close`.
 *
 * @param address `host:port`, or any other gRPC target such as `dns:///host:port` or `unix:/path`. Default port:
 * 50051. With several addresses, calls go in turn to those that are connected and report SERVING. If none does,
 * calls go to all of them.
 * @param options see {@link ConnectOptions}. Default: TLS, local mode.
 * @throws TypeError if an address or an option is invalid, or a certificate or key cannot be used.
 *
 * @example
 * const latchkey = connect('identity.internal:50051', { timeoutMs: 2_000 });
 * await latchkey.ready();
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
  const anonymous: Caller = {
    channels,
    timeoutMs,
    token: () => undefined,
    now: () => clock.now(),
    refuses: () => channels.isRefusing,
  };
  const account =
    options.serviceAccount &&
    new ServiceAccount(
      options.serviceAccount,
      // Works during close too: calls in progress may need a token, and the account signs out.
      signInCalls(callsOf(IdentityServiceService, { ...anonymous, refuses: () => false })),
      clock,
    );
  const caller: Caller =
    account === undefined
      ? { ...anonymous, token: typeof token === 'function' ? () => checkedAnswer(token()) : () => token }
      : {
          ...anonymous,
          token: () => account.token(),
          forgetToken: (refused) => account.forget(refused),
        };
  const identity = callsOf(IdentityServiceService, caller);
  // A user signs in with their own credentials. The token of a front authenticates the front itself.
  const calls = signInCalls(identity);
  // Validations that are in progress during close may still have to call the service.
  const mode = modeOf({ ...caller, refuses: () => false }, clock, options);
  const watches = new OpenWatches({
    caller,
    channels: new WatchChannels(() => new Channels(targets, ofChannels, clock)),
  });
  return {
    mode: options.mode ?? 'local',
    identity,
    sessions: callsOf(SessionServiceService, caller),
    qrLogin: callsOf(QrLoginServiceService, caller),
    externalLogin: callsOf(ExternalLoginServiceService, caller),
    validation: callsOf(ValidationServiceService, caller),
    userSessions: callsOf(AdminSessionServiceService, caller),
    users: callsOf(UserServiceService, caller),
    userIdentities: callsOf(UserIdentityServiceService, caller),
    keys: callsOf(KeyServiceService, caller),
    audit: callsOf(AuditServiceService, caller),
    ...calls,
    validate: (accessToken, requirements) => {
      const fault = channels.isRefusing ? closedError() : requirementsProblem(requirements);
      if (fault !== undefined) return calledAs('Validate', Promise.reject(fault));
      const validation = mode.validate(
        typeof accessToken === 'string' ? accessToken : '',
        requirements ?? undefined,
      );
      if (requirements?.signal === undefined) return validation;
      return calledAs('Validate', cancellable(validation, requirements.signal));
    },
    ready: (withinMs = timeoutMs) => calledAs('ready', ready(mode, withinMs)),
    onRevocation: (listener) => mode.onRevocation(listener),
    watchSession: (watched = {}) =>
      watches.watch(watchedSession(caller, watched), watched, SESSION_WATCH_OPTIONS),
    watchTicket: (watched) => watches.watch(watchedTicket(watched), watched, TICKET_WATCH_OPTIONS),
    get staleness() {
      return mode.staleness;
    },
    close: async () => {
      channels.refuse();
      await watches.close();
      await mode.close();
      // After a sign-out, a call in progress would sign in again.
      await channels.idle();
      await account?.close();
      await channels.close();
    },
  };
}

async function ready(mode: ValidationMode, timeoutMs: number): Promise<void> {
  await mode.ready(Math.max(0, checkedTimeout(timeoutMs)));
}

function modeOf(caller: Caller, clock: Clock, options: ConnectOptions): ValidationMode {
  const { channels, timeoutMs } = caller;
  const { batchValidate } = callsOf(IdentityServiceService, caller);
  const { maxStalenessMs = DEFAULT_MAX_STALENESS_MS } = options;
  const audience = options.audience === '' ? undefined : options.audience;
  const remote: TokenValidator = new RemoteValidation({
    batchValidate,
    audience,
    connections: channels.size,
    timeoutMs,
    clock,
    track: (work) => void channels.track(work),
  });
  if (options.mode === 'remote') return new RemoteMode(caller, remote);
  const { tokenCacheSize = DEFAULT_TOKEN_CACHE_SIZE } = options;
  return new LocalMode({ caller, remote, clock, maxStalenessMs, audience, tokenCacheSize });
}
