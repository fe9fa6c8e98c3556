import { status } from '@grpc/grpc-js';
import type {
  IdentityServiceService,
  LoginResponse,
  LogoutRequest,
  RefreshResponse,
  Tokens as TokensMessage,
} from '../../gen/latchkey/v1/identity.ts';
import type {
  EndedSession as EndedSessionMessage,
  Session as SessionMessage,
} from '../../gen/latchkey/v1/session.ts';
import { calledAs } from './caller-stack.ts';
import type { CallOptions, CallsOf } from './calls.ts';
import { LatchkeyError } from './errors.ts';
import type { EndReasonName } from './validation.ts';
import { endReasonName } from './validation-message.ts';

/** The device that a user signs in from. Omitted fields are unknown. */
export interface Device {
  /** A stable id, at most 64 bytes. A new sign-in with the same id and client replaces the earlier session. */
  readonly deviceId?: string | undefined;
  /** A label for users, for example `Chrome 142 on Windows`; at most 64 bytes. */
  readonly name?: string | undefined;
  /** For example `Windows`; at most 64 bytes. */
  readonly platform?: string | undefined;
}

/** The address of the user. Only a front may state it (`LATCHKEY_FRONT_AUTH` of the service). */
export interface Origin {
  /** An IPv4 or IPv6 address without port and zone. */
  readonly ipAddress: string;
}

/** Input of `login`. */
export interface LoginInput {
  readonly username: string;
  readonly password: string;
  /** The application, at most 64 bytes; tokens carry it. Default: none. */
  readonly clientId?: string | undefined;
  /** Default: unknown. */
  readonly device?: Device | undefined;
  /** Default: the address of the caller. */
  readonly origin?: Origin | undefined;
}

/** Input of `refresh`. */
export interface RefreshInput {
  /** The one from the latest `login` or `refresh`. */
  readonly refreshToken: string;
  /** The application; it must match that of the session. Default: not compared. */
  readonly clientId?: string | undefined;
  /** Default: the address of the caller. */
  readonly origin?: Origin | undefined;
}

/** Input of `logout`: a token of the session to end. The token may have expired. */
export type LogoutInput = { readonly accessToken: string } | { readonly refreshToken: string };

/** The tokens of a session. */
export interface Tokens {
  /** Send it to services as `authorization: Bearer`. */
  readonly accessToken: string;
  readonly accessTokenExpiresAt: Date;
  /** Send it only to latchkey. Keep it secret, and replace it at every refresh. */
  readonly refreshToken: string;
  /** When the refresh token expires if it is not used. */
  readonly refreshTokenExpiresAt: Date;
}

/** A living session. */
export interface Session {
  readonly sessionId: string;
  readonly userId: string;
  /** The application. Empty: none was given at sign-in. */
  readonly clientId: string;
  /** The device given at sign-in. Empty strings are unknown. */
  readonly device: { readonly deviceId: string; readonly name: string; readonly platform: string };
  /** The address at sign-in. Empty: unknown. */
  readonly ipAddress: string;
  readonly createdAt: Date;
  /** When the session was last refreshed. */
  readonly lastSeenAt: Date;
  /** Without a refresh before this instant, the session ends as IDLE. */
  readonly idleDeadline: Date;
  /** The session ends at this instant as MAX_LIFETIME. */
  readonly absoluteDeadline: Date;
}

/** A session that has ended. */
export interface EndedSession {
  readonly sessionId: string;
  readonly endReason: EndReasonName;
  readonly endedAt: Date;
}

/** The answer of `login`: a new session. */
export interface SignedIn {
  readonly tokens: Tokens;
  readonly session: Session;
  /** Sessions that this sign-in replaced. */
  readonly endedSessions: readonly EndedSession[];
}

/** The answer of `refresh`: the session continues with new tokens. */
export interface Refreshed {
  readonly tokens: Tokens;
  readonly session: Session;
}

/** The answer of `logout`. */
export interface LoggedOut {
  /** Pass it to `validate` as `atLeastRevision` for a verdict that includes this end. */
  readonly revision: string;
}

/** Signs users in and out, and refreshes their tokens. Every method fails with a `LatchkeyError`. */
export interface SignInCalls {
  /**
   * Signs a user in and opens a session.
   *
   * A request that was sent is never retried, because each success opens a session.
   *
   * @throws LatchkeyError with reason INVALID_CREDENTIALS, or LOGIN_QUEUE_FULL with `retryAfterMs`.
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
   * @throws LatchkeyError with reason SESSION_ENDED (sign in again) or INVALID_REFRESH_TOKEN.
   *
   * @example
   * const { tokens: next } = await latchkey.refresh({ refreshToken: tokens.refreshToken });
   */
  refresh(input: RefreshInput, options?: CallOptions): Promise<Refreshed>;
  /**
   * Ends the session of a token permanently. Safe to repeat.
   *
   * @throws LatchkeyError with reason END_UNCONFIRMED if the end may not be stored; repeat the call.
   *
   * @example
   * const { revision } = await latchkey.logout({ refreshToken: next.refreshToken });
   */
  logout(input: LogoutInput, options?: CallOptions): Promise<LoggedOut>;
}

type IdentityCalls = Pick<CallsOf<typeof IdentityServiceService>, 'login' | 'refresh' | 'logout'>;

/** Wraps the generated calls in plain types. */
export function signInCalls(identity: IdentityCalls): SignInCalls {
  const calls: SignInCalls = {
    login: ({ username, password, clientId = '', device, origin }, options) => {
      const request = { username, password, clientId, device: device && deviceMessage(device), origin };
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
  if (outcome?.$case !== 'signedIn') {
    throw new LatchkeyError(
      status.UNIMPLEMENTED,
      'The service requires another sign-in step; update latchkey-client.',
    );
  }
  return { ...refreshedOf(outcome.value), endedSessions: outcome.value.endedSessions.map(endedSessionOf) };
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
  const { sessionId, userId, clientId, ipAddress } = message;
  return {
    ...{ sessionId, userId, clientId, ipAddress },
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
