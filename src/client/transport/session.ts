// What the service knows of a session, in plain types.
import type { EndReasonName } from './validation.ts';

/**
 * The device that a user signs in from.
 *
 * @example
 * const device: Device = { name: 'Chrome 142 on Windows', platform: 'Windows' };
 * const { session } = await latchkey.login({ username, password, device });
 */
export interface Device {
  /**
   * A stable id, at most 64 bytes. A new sign-in with the same id and client replaces the earlier session.
   * Default: unknown.
   */
  readonly deviceId?: string | undefined;
  /** A label for users, for example `Chrome 142 on Windows`; at most 64 bytes. Default: unknown. */
  readonly name?: string | undefined;
  /** For example `Windows`; at most 64 bytes. Default: unknown. */
  readonly platform?: string | undefined;
}

/**
 * The address of the user. Only a front may state it (`LATCHKEY_FRONT_AUTH` of the service); from any other caller it
 * is refused.
 *
 * @example
 * const originOf = (request: IncomingMessage): Origin => ({ ipAddress: request.socket.remoteAddress ?? '' });
 */
export interface Origin {
  /** An IPv4 or IPv6 address without port and zone. */
  readonly ipAddress: string;
}

/**
 * The tokens of a session.
 *
 * @example
 * const isDue = ({ accessTokenExpiresAt }: Tokens) => accessTokenExpiresAt.getTime() - Date.now() < 60_000;
 * if (isDue(tokens)) await latchkey.refresh({ refreshToken: tokens.refreshToken });
 */
export interface Tokens {
  /** Send it to services as `authorization: Bearer`. */
  readonly accessToken: string;
  /** When the access token expires, by the service's clock. */
  readonly accessTokenExpiresAt: Date;
  /** Send it only to latchkey. Keep it secret, and replace it at every refresh. */
  readonly refreshToken: string;
  /** When the refresh token expires if it is not used. */
  readonly refreshTokenExpiresAt: Date;
}

/**
 * A living session.
 *
 * @example
 * const lineOf = ({ device, createdAt }: Session) => `${device.name}, signed in ${createdAt.toISOString()}`;
 * console.log(lineOf(session));
 */
export interface Session {
  readonly sessionId: string;
  readonly userId: string;
  /** The application. Empty: none was given at sign-in. */
  readonly clientId: string;
  /** The device given at sign-in. Empty strings are unknown. */
  readonly device: { readonly deviceId: string; readonly name: string; readonly platform: string };
  /** The address at sign-in. Empty: unknown. */
  readonly ipAddress: string;
  /** The address at the last refresh whose address is known; `ipAddress` before the first refresh. */
  readonly latestIpAddress: string;
  /** The labels given at sign-in. */
  readonly labels: Readonly<Record<string, string>>;
  /** How the user signed in: values of RFC 8176, for example `pwd`. */
  readonly authenticationMethods: readonly string[];
  /** At sign-in, no earlier sign-in of the user from this device was known. */
  readonly isNewDevice: boolean;
  readonly createdAt: Date;
  /** When the session was last refreshed. */
  readonly lastSeenAt: Date;
  /** Without a refresh before this instant, the session ends as IDLE. */
  readonly idleDeadline: Date;
  /** The session ends at this instant as MAX_LIFETIME. */
  readonly absoluteDeadline: Date;
}

/**
 * A session that has ended.
 *
 * @example
 * const { endedSessions } = await latchkey.login({ username, password });
 * const reasons = endedSessions.map(({ endReason }: EndedSession) => endReason);
 */
export interface EndedSession {
  readonly sessionId: string;
  readonly endReason: EndReasonName;
  readonly endedAt: Date;
}
