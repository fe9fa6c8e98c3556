import type { AuditServiceService } from '../../gen/latchkey/admin/v1/audit.ts';
import type { KeyServiceService } from '../../gen/latchkey/admin/v1/key.ts';
import type { SessionServiceService as AdminSessionServiceService } from '../../gen/latchkey/admin/v1/session.ts';
import type { UserServiceService } from '../../gen/latchkey/admin/v1/user.ts';
import type { UserIdentityServiceService } from '../../gen/latchkey/admin/v1/user_identity.ts';
import type { ExternalLoginServiceService } from '../../gen/latchkey/v1/external_login.ts';
import type { IdentityServiceService } from '../../gen/latchkey/v1/identity.ts';
import type { QrLoginServiceService } from '../../gen/latchkey/v1/qr_login.ts';
import type { SessionServiceService } from '../../gen/latchkey/v1/session.ts';
import type { ValidationServiceService } from '../../gen/latchkey/v1/validation.ts';
import type { Clock } from '../../validator/clock.ts';
import type { CallsOf } from './calls.ts';
import type { Credentials } from './credentials.ts';
import type { Revocation } from './revocation.ts';
import type { ServiceAccountOptions } from './service-account.ts';
import type { SessionWatch, WatchSessionOptions } from './session-watch.ts';
import type { SignInCalls } from './sign-in.ts';
import type { TicketWatch, WatchTicketOptions } from './ticket-watch.ts';
import type { TokenValidator } from './validation.ts';

/**
 * Options of `connect`.
 *
 * @example
 * const options: ConnectOptions = { maxStalenessMs: 2_000, serviceAccount: { username: 'billing', password } };
 */
export interface ConnectOptions {
  /** How the connection is secured. Default: TLS with the certificate authorities of Node. */
  readonly credentials?: Credentials | undefined;
  /**
   * Where tokens are validated. `local`: in this process, with keys and revocations from the service; it calls the
   * service only if they do not suffice. `remote`: always in the service. Default: `local`.
   */
  readonly mode?: 'local' | 'remote' | undefined;
  /** Maximum age of the local copy for a local verdict, in milliseconds; at least 500. Default: 5,000. */
  readonly maxStalenessMs?: number | undefined;
  /** The audience that tokens must have. Empty: the default. Default: any audience of the service. */
  readonly audience?: string | undefined;
  /**
   * How many recently used tokens the cache keeps, about 2 kB each. It may briefly hold twice as many. 0 disables the
   * cache. Default: 10,000.
   */
  readonly tokenCacheSize?: number | undefined;
  /**
   * Access token of the caller, sent as `authorization: Bearer` with every call. A function is called at every
   * call, so the token can change while the connection stays open. What it throws fails the call. Default: none.
   *
   * Omit it for none: `undefined` is refused, so that an unset variable does not make the calls anonymous.
   */
  readonly token?: string | (() => string | undefined);
  /**
   * Replaces `token`. The client signs in with this password, refreshes its tokens, and signs in again if its session
   * has ended. `close` signs out. If the sign-in fails, calls that need a token fail: with reason
   * CALLER_UNAUTHENTICATED if username or password is wrong. Default: none.
   */
  readonly serviceAccount?: ServiceAccountOptions | undefined;
  /** Timeout of each call, in milliseconds, 1 or more. The call then fails with DEADLINE_EXCEEDED. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** The clock; replace it in tests. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/**
 * The freshness of the local copy of the revocations.
 *
 * @example
 * const isCurrent = ({ ageMs }: Staleness) => ageMs < 2_000;
 * if (!isCurrent(latchkey.staleness)) log.warn(latchkey.staleness);
 */
export interface Staleness {
  /** The copy has every end acknowledged up to this instant, by the service's clock. Undefined: no copy yet. */
  readonly asOf: Date | undefined;
  /** Age of the copy, in milliseconds. `Infinity`: no copy yet. */
  readonly ageMs: number;
}

type IdentityCalls = CallsOf<typeof IdentityServiceService>;

/**
 * A client of latchkey, as returned by `connect`. Every call fails only with a `LatchkeyError`.
 *
 * @example
 * const latchkey: LatchkeyClient = connect('identity.internal:50051');
 * const verdict = await latchkey.validate(accessToken);
 * if (verdict.kind === 'accepted') console.log(verdict.identity.userId);
 * await latchkey.close();
 */
export interface LatchkeyClient extends TokenValidator, SignInCalls {
  /** Where tokens are validated; see `ConnectOptions.mode`. */
  readonly mode: 'local' | 'remote';
  /** The generated calls of `IdentityService`. */
  readonly identity: IdentityCalls;
  /**
   * The generated calls of `SessionService`: the sessions and the password of the user whose token is sent. Pass that
   * user's access token as `token` with each call. Default: the client's own token.
   *
   * @example
   * const { sessions } = await latchkey.sessions.listSessions({}, { token: accessToken });
   * for (const { device, lastSeenAt, isCurrent } of sessions) console.log(device?.name, lastSeenAt, isCurrent);
   * await latchkey.sessions.endOtherSessions({}, { token: accessToken });
   */
  readonly sessions: CallsOf<typeof SessionServiceService>;
  /**
   * The generated calls of `QrLoginService`: sign-in by QR code. Redeeming is also the poll. To scan, approve or deny,
   * pass the user's access token as `token`.
   *
   * @example
   * const { ticketId, redeemSecret, url } = await latchkey.qrLogin.createTicket({ clientId: 'web' });
   * console.log(url); // show it as a QR code
   * const { outcome } = await latchkey.qrLogin.redeemTicket({ ticketId, redeemSecret });
   * if (outcome?.$case === 'pending') console.log(outcome.value.digits, outcome.value.retryAfter);
   */
  readonly qrLogin: CallsOf<typeof QrLoginServiceService>;

  /**
   * The generated calls of `ExternalLoginService`: sign-in through identity providers. To link, list and unlink accounts,
   * pass the user's access token as `token`. A provider may take seconds: give these calls time with `timeoutMs`. When the
   * browser comes back, pass the query of its address to `completeExternalLogin`.
   *
   * @example
   * const { providers } = await latchkey.externalLogin.listProviders({});
   * for (const { name, displayName } of providers) {
   *   const flow = await latchkey.externalLogin.beginExternalLogin({ provider: name }, { timeoutMs: 10_000 });
   *   console.log(displayName, flow.authorizationUrl); // send the browser there, with `flow.flowSecret` in a cookie
   * }
   */
  readonly externalLogin: CallsOf<typeof ExternalLoginServiceService>;

  /**
   * The generated calls of `ValidationService`. `validate` uses them by itself; a front publishes the keys with them.
   *
   * @example
   * const { jwks, maxAge } = await latchkey.validation.getSigningKeys({});
   */
  readonly validation: CallsOf<typeof ValidationServiceService>;
  /** The generated calls of `admin.SessionService`, for any user. The caller's token needs the role `admin`. */
  readonly userSessions: CallsOf<typeof AdminSessionServiceService>;
  /** The generated calls of `UserService`. The caller's token needs the role `admin`. */
  readonly users: CallsOf<typeof UserServiceService>;
  /** The generated calls of `UserIdentityService`. The caller's token needs the role `admin`. */
  readonly userIdentities: CallsOf<typeof UserIdentityServiceService>;
  /** The generated calls of `KeyService`. The caller's token needs the role `admin`. */
  readonly keys: CallsOf<typeof KeyServiceService>;
  /** The generated calls of `AuditService`. The caller's token needs the role `admin`. */
  readonly audit: CallsOf<typeof AuditServiceService>;
  /**
   * Resolves when the service is connected and, in local mode, this process can validate tokens.
   *
   * Calling it is optional: until then `validate` calls the service.
   *
   * @param timeoutMs in milliseconds. Default: the client's `timeoutMs`.
   * @throws LatchkeyError if the client is not ready in time.
   *
   * @example
   * await latchkey.ready(10_000);
   */
  ready(timeoutMs?: number): Promise<void>;
  /**
   * Calls the listener once for every revocation that is received from now on.
   *
   * @param listener an error that it throws becomes an uncaught exception of the process.
   * @returns a function that removes the listener.
   * @throws LatchkeyError in remote mode, which receives no revocations.
   *
   * @example
   * const stop = latchkey.onRevocation(({ userId, reason }) => console.log(userId, reason));
   */
  onRevocation(listener: (revocation: Revocation) => void): () => void;
  /**
   * Watches one session: says when it ends, and why. Reconnects by itself; an end in between is not missed. The watch
   * goes on after the access token has expired. Watches have connections of their own; up to 100 share one.
   *
   * @param options see {@link WatchSessionOptions}. Default: the session of the client's own token.
   * @returns its events. The iteration fails with a LatchkeyError: with reason CALLER_UNAUTHENTICATED if the token is
   * refused, for example because it has expired, and with CANCELLED after `close` of the client.
   *
   * @example
   * for await (const event of latchkey.watchSession({ token: accessToken })) {
   *   if (event.kind === 'ended') console.log(`signed out: ${event.endReason}, by ${event.endedBy}`);
   *   else break; // living; `break` closes the watch
   * }
   */
  watchSession(options?: WatchSessionOptions): SessionWatch;
  /**
   * Watches one ticket of sign-in by QR code: says each state, whichever server made it. Reconnects by itself. A state
   * that is passed quickly may be left out. After a final state the watch is over.
   *
   * @param options see {@link WatchTicketOptions}.
   * @returns its events. The iteration fails with a LatchkeyError: with reason TICKET_NOT_FOUND if the ticket is unknown
   * or the secret is wrong, and with CANCELLED after `close` of the client.
   *
   * @example
   * const { ticketId, redeemSecret } = await latchkey.qrLogin.createTicket({ clientId: 'web' });
   * for await (const event of latchkey.watchTicket({ ticketId, redeemSecret })) {
   *   if (event.kind === 'state') console.log(event.state, event.digits);
   *   break; // closes the watch
   * }
   */
  watchTicket(options: WatchTicketOptions): TicketWatch;
  /** The current freshness of the local copy. In remote mode there is no copy. */
  readonly staleness: Staleness;
  /**
   * Stops following revocations and watching sessions and tickets, waits for the calls in progress, signs the `serviceAccount` out,
   * and closes the connections.
   *
   * @example
   * await latchkey.close();
   */
  close(): Promise<void>;
}
