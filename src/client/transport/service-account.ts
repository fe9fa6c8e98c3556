import { status } from '@grpc/grpc-js';
import type { Clock } from '../../validator/clock.ts';
import { LatchkeyError } from './errors.ts';
import type { Tokens } from './session.ts';
import type { Refreshed, SignInCalls } from './sign-in.ts';

/**
 * The account that a service signs in with: a user with the role `service` or `front`.
 *
 * @example
 * const serviceAccount: ServiceAccountOptions = { username: 'billing', password };
 */
export interface ServiceAccountOptions {
  /** Not empty. */
  readonly username: string;
  /** Not empty. */
  readonly password: string;
  /** The application, at most 64 bytes; the account's tokens carry it. Default: none. */
  readonly clientId?: string | undefined;
}

/** Minimum time between failed sign-ins, in milliseconds, so that a wrong password causes no flood. */
const RETRY_MS = 1_000;
/** The token is renewed in the last fifth of its lifetime, while it is still valid. */
const RENEWAL_SHARE = 0.2;

interface Current {
  readonly tokens: Tokens;
  /** By this process's monotonic clock, because the service's clock may differ. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/**
 * Keeps a service signed in. The first call signs in, and later calls refresh in time. If the session has ended, it
 * signs in again. All calls share one renewal.
 */
export class ServiceAccount {
  readonly #account: ServiceAccountOptions;
  readonly #calls: SignInCalls;
  readonly #clock: Clock;
  #current: Current | undefined;
  /** Of the latest sign-in, so that password guesses from elsewhere do not delay the next one. Empty: none. */
  #deviceToken = '';
  #renewing: Promise<string> | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;

  constructor(account: ServiceAccountOptions, calls: SignInCalls, clock: Clock) {
    this.#account = account;
    this.#calls = calls;
    this.#clock = clock;
  }

  /** A valid access token. Fails if the sign-in fails. */
  token(): string | Promise<string> {
    const now = this.#clock.monotonic();
    const current = this.#current;
    if (current === undefined || now >= current.expiresAt) return this.#renewed();
    if (now >= current.renewAt) this.#renewed().catch(() => undefined);
    return current.tokens.accessToken;
  }

  /** Drops a token that the service rejected. The next call gets a new one. */
  forget(accessToken: string): void {
    if (this.#current?.tokens.accessToken !== accessToken) return;
    this.#current = { ...this.#current, renewAt: 0, expiresAt: 0 };
  }

  /**
   * Waits for a renewal in progress, then signs out. Ignores failures: the session expires on its own. A call that
   * still needs a token must end first, because it would sign in again.
   */
  async close(): Promise<void> {
    await this.#renewing?.catch(() => undefined);
    const refreshToken = this.#current?.tokens.refreshToken;
    this.#current = undefined;
    if (refreshToken !== undefined) await this.#calls.logout({ refreshToken }).catch(() => undefined);
  }

  #renewed(): Promise<string> {
    const failure = this.#failure;
    if (failure !== undefined && this.#clock.monotonic() < failure.until)
      return Promise.reject(failure.error);
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    const startedAt = this.#clock.monotonic();
    try {
      const { tokens, session } = (await this.#refreshed()) ?? (await this.#signedIn());
      // Both instants are by the service's clock.
      const lifeMs = tokens.accessTokenExpiresAt.getTime() - session.lastSeenAt.getTime();
      const expiresAt = startedAt + lifeMs;
      this.#current = { tokens, renewAt: expiresAt - RENEWAL_SHARE * lifeMs, expiresAt };
      this.#failure = undefined;
      return tokens.accessToken;
    } catch (error) {
      const failed = signInFailed(error);
      this.#failure = { error: failed, until: this.#clock.monotonic() + RETRY_MS };
      throw failed;
    }
  }

  async #signedIn(): Promise<Refreshed> {
    try {
      const signedIn = await this.#calls.login({ ...this.#account, deviceToken: this.#deviceToken });
      this.#deviceToken = signedIn.deviceToken;
      return signedIn;
    } catch (error) {
      // The master key of the token may have been removed. The next sign-in does without the token.
      if (error instanceof LatchkeyError && error.reason === 'INVALID_FIELD') this.#deviceToken = '';
      throw error;
    }
  }

  /** Undefined: there is no session to refresh, or it has ended. */
  async #refreshed(): Promise<Refreshed | undefined> {
    const refreshToken = this.#current?.tokens.refreshToken;
    if (refreshToken === undefined) return undefined;
    try {
      return await this.#calls.refresh({ refreshToken });
    } catch (error) {
      const hasEnded =
        error instanceof LatchkeyError &&
        (error.reason === 'SESSION_ENDED' || error.reason === 'INVALID_REFRESH_TOKEN');
      if (!hasEnded) throw error;
      this.#current = undefined;
      return undefined;
    }
  }
}

/** The error of a call that needed a token. It must not read as if the credentials in that call were wrong. */
function signInFailed(error: unknown): unknown {
  if (!(error instanceof LatchkeyError)) return error;
  const message = `The service account could not sign in: ${error.details}`;
  const reason = error.code === status.UNAUTHENTICATED ? 'CALLER_UNAUTHENTICATED' : error.reason;
  return new LatchkeyError(error.code, message, { ...error, reason, isUnsent: true }, error);
}
