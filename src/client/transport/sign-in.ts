import { status } from '@grpc/grpc-js';
import type {
  IdentityServiceService,
  LoginResponse,
  LogoutRequest,
  RefreshResponse,
  SessionLimit,
  SessionSummary as SummaryMessage,
  Tokens as TokensMessage,
} from '../../gen/latchkey/v1/identity.ts';
import type {
  EndedSession as EndedSessionMessage,
  Session as SessionMessage,
} from '../../gen/latchkey/v1/session.ts';
import { calledAs } from './caller-stack.ts';
import type { CallOptions, CallsOf } from './calls.ts';
import { LatchkeyError, type SessionSummary } from './errors.ts';
import type { Device, EndedSession, Origin, Session, Tokens } from './session.ts';
import { endReasonName } from './validation-message.ts';

/**
 * Input of `login`.
 *
 * @example
 * const input: LoginInput = { username, password, clientId: 'web', device: { platform: 'Windows' } };
 * const { tokens } = await latchkey.login(input);
 */
export interface LoginInput {
  readonly username: string;
  readonly password: string;
  /** The application, at most 64 bytes; tokens carry it. Default: none. */
  readonly clientId?: string | undefined;
  /** Default: unknown. */
  readonly device?: Device | undefined;
  /** Default: the address of the caller. */
  readonly origin?: Origin | undefined;
  /** The `deviceToken` of an earlier sign-in on this device. Default: none. */
  readonly deviceToken?: string | undefined;
  /**
   * Facts to find in the list of sessions, for example `{ app_version: '5.2' }`. At most 8, with keys of 1 to 32
   * characters of `a-z 0-9 _ . -` and values of at most 64 bytes. Default: none.
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** A session to end if the user is at the session limit; an id from `LatchkeyError.sessions`. Default: none. */
  readonly endSessionId?: string | undefined;
}

/**
 * Input of `refresh`.
 *
 * @example
 * const input: RefreshInput = { refreshToken };
 * const { tokens } = await latchkey.refresh(input);
 */
export interface RefreshInput {
  /** The one from the latest `login` or `refresh`. */
  readonly refreshToken: string;
  /** The application; it must match that of the session. Default: not compared. */
  readonly clientId?: string | undefined;
  /** Default: the address of the caller. */
  readonly origin?: Origin | undefined;
}

/**
 * Input of `logout`: a token of the session to end. The token may have expired.
 *
 * @example
 * const input: LogoutInput = { refreshToken };
 * await latchkey.logout(input);
 */
export type LogoutInput = { readonly accessToken: string } | { readonly refreshToken: string };

/**
 * The answer of `login`: a new session.
 *
 * @example
 * const signedIn: SignedIn = await latchkey.login({ username, password });
 * console.log(signedIn.session.userId, signedIn.tokens.accessTokenExpiresAt);
 */
export interface SignedIn {
  readonly tokens: Tokens;
  readonly session: Session;
  /** Sessions that this sign-in replaced. */
  readonly endedSessions: readonly EndedSession[];
  /**
   * Store it on the device, also beyond the session, and pass it to the next `login`. Then password guesses from
   * elsewhere do not delay this user. Empty: the service is older than this client.
   */
  readonly deviceToken: string;
}

/**
 * The answer of `refresh`: the session continues with new tokens.
 *
 * @example
 * const refreshed: Refreshed = await latchkey.refresh({ refreshToken });
 * console.log(refreshed.session.idleDeadline);
 */
export interface Refreshed {
  readonly tokens: Tokens;
  readonly session: Session;
}

/**
 * The answer of `logout`.
 *
 * @example
 * const { revision }: LoggedOut = await latchkey.logout({ refreshToken });
 * const verdict = await latchkey.validate(accessToken, { atLeastRevision: revision }); // rejected: SESSION_ENDED
 */
export interface LoggedOut {
  /** Pass it to `validate` as `atLeastRevision` for a verdict that includes this end. */
  readonly revision: string;
}

/**
 * Signs users in and out, and refreshes their tokens. Every method fails only with a `LatchkeyError`.
 *
 * @example
 * const signInAndOut = async (calls: SignInCalls): Promise<void> => {
 *   const { tokens } = await calls.login({ username, password });
 *   await calls.logout({ refreshToken: tokens.refreshToken });
 * };
 * await signInAndOut(latchkey);
 */
export interface SignInCalls {
  /**
   * Signs a user in and opens a session.
   *
   * A request that was sent is never retried, because each success opens a session.
   *
   * @param input see {@link LoginInput}.
   * @param options see {@link CallOptions}. Default: the client's `timeoutMs` and token.
   * @throws LatchkeyError with reason INVALID_CREDENTIALS, or LOGIN_QUEUE_FULL or TOO_MANY_ATTEMPTS with
   * `retryAfterMs`, or SIGN_IN_RISK if a risk rule of the operator refuses the sign-in, or SESSION_LIMIT_REACHED with
   * `sessions`: let the user choose one, and pass its id as `endSessionId`. With reason CALLER_UNAUTHENTICATED the client's own token or `serviceAccount` is refused, not the
   * user.
   *
   * @example
   * const { tokens, session } = await latchkey.login({ username, password, clientId: 'web' });
   */
  login(input: LoginInput, options?: CallOptions): Promise<SignedIn>;
  /**
   * Exchanges a refresh token for new tokens.
   *
   * Safe to repeat within the grace window, 30 s by default: a repeat returns the same new refresh token.
   *
   * @param input see {@link RefreshInput}.
   * @param options see {@link CallOptions}. Default: the client's `timeoutMs` and token.
   * @throws LatchkeyError with reason SESSION_ENDED (sign in again) or INVALID_REFRESH_TOKEN.
   *
   * @example
   * const { tokens: next } = await latchkey.refresh({ refreshToken: tokens.refreshToken });
   */
  refresh(input: RefreshInput, options?: CallOptions): Promise<Refreshed>;
  /**
   * Ends the session of a token permanently. Safe to repeat.
   *
   * @param input see {@link LogoutInput}.
   * @param options see {@link CallOptions}. Default: the client's `timeoutMs` and token.
   * @throws LatchkeyError with reason END_UNCONFIRMED if the end may not be stored; repeat the call.
   *
   * @example
   * const { revision } = await latchkey.logout({ accessToken });
   */
  logout(input: LogoutInput, options?: CallOptions): Promise<LoggedOut>;
}

type IdentityCalls = Pick<CallsOf<typeof IdentityServiceService>, 'login' | 'refresh' | 'logout'>;

/** Wraps the generated calls in plain types. */
export function signInCalls(identity: IdentityCalls): SignInCalls {
  const calls: SignInCalls = {
    login: (input, options) => {
      const { username, password, clientId = '', device, origin } = input;
      const { deviceToken = '', labels = {}, endSessionId = '' } = input;
      const described = { device: device && deviceMessage(device), deviceToken, labels };
      const request = { username, password, clientId, origin, endSessionId, ...described };
      return calledAs('Login', identity.login(request, options).then(signedInOf), calls.login);
    },
    refresh: ({ refreshToken, clientId = '', origin }, options) => {
      const refreshed = identity.refresh({ refreshToken, clientId, origin }, options).then(refreshedOf);
      return calledAs('Refresh', refreshed, calls.refresh);
    },
    logout: (input, options) =>
      calledAs('Logout', identity.logout({ token: logoutToken(input) }, options), calls.logout),
  };
  return calls;
}

function deviceMessage({ deviceId = '', name = '', platform = '' }: Device) {
  return { deviceId, name, platform };
}

/** With neither or both tokens it sends none, and the service returns the error. */
function logoutToken(input: Partial<Record<'accessToken' | 'refreshToken', string>>): LogoutRequest['token'] {
  const { accessToken, refreshToken } = input;
  if (accessToken !== undefined && refreshToken === undefined)
    return { $case: 'accessToken', value: accessToken };
  if (refreshToken !== undefined && accessToken === undefined)
    return { $case: 'refreshToken', value: refreshToken };
  return undefined;
}

/** A newer service may return an outcome that this client does not know. */
function signedInOf({ outcome }: LoginResponse): SignedIn {
  if (outcome?.$case === 'sessionLimit') throw sessionLimitReached(outcome.value);
  if (outcome?.$case !== 'signedIn') {
    throw new LatchkeyError(
      status.UNIMPLEMENTED,
      'The service requires another sign-in step; update latchkey-client.',
    );
  }
  const { endedSessions, deviceToken } = outcome.value;
  return { ...refreshedOf(outcome.value), endedSessions: endedSessions.map(endedSessionOf), deviceToken };
}

/** FAILED_PRECONDITION: the same call succeeds only once a session has ended. */
function sessionLimitReached({ sessions }: SessionLimit): LatchkeyError {
  return new LatchkeyError(
    status.FAILED_PRECONDITION,
    'The user is at the session limit; sign in again with the id of a session to end.',
    { reason: 'SESSION_LIMIT_REACHED', sessions: sessions.map(summaryOf) },
  );
}

function summaryOf({
  sessionId,
  deviceName,
  platform,
  createdAt,
  lastSeenAt,
}: SummaryMessage): SessionSummary {
  return {
    sessionId,
    deviceName,
    platform,
    createdAt: dateOf(createdAt),
    lastSeenAt: dateOf(lastSeenAt),
  };
}

function refreshedOf({ tokens, session }: Pick<RefreshResponse, 'tokens' | 'session'>): Refreshed {
  if (tokens === undefined || session === undefined) throw incomplete();
  return { tokens: tokensOf(tokens), session: sessionOf(session) };
}

function tokensOf(message: TokensMessage): Tokens {
  return {
    accessToken: message.accessToken,
    accessTokenExpiresAt: dateOf(message.accessTokenExpiresAt),
    refreshToken: message.refreshToken,
    refreshTokenExpiresAt: dateOf(message.refreshTokenExpiresAt),
  };
}

function sessionOf(message: SessionMessage): Session {
  return {
    sessionId: message.sessionId,
    userId: message.userId,
    clientId: message.clientId,
    ipAddress: message.ipAddress,
    latestIpAddress: message.latestIpAddress,
    labels: message.labels,
    authenticationMethods: message.authenticationMethods,
    isNewDevice: message.isNewDevice,
    device: deviceMessage(message.device ?? {}),
    createdAt: dateOf(message.createdAt),
    lastSeenAt: dateOf(message.lastSeenAt),
    idleDeadline: dateOf(message.idleDeadline),
    absoluteDeadline: dateOf(message.absoluteDeadline),
  };
}

function endedSessionOf({ sessionId, endReason, endedAt }: EndedSessionMessage): EndedSession {
  return { sessionId, endReason: endReasonName(endReason), endedAt: dateOf(endedAt) };
}

function dateOf(date: Date | undefined): Date {
  if (date === undefined) throw incomplete();
  return date;
}

function incomplete(): LatchkeyError {
  return new LatchkeyError(status.INTERNAL, 'The service sent an incomplete response; check its version.');
}
