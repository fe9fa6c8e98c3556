import type { IdSource } from '../ids.ts';
import type { TokenSigner } from '../keys/key-material.ts';
import type { Session } from './session.ts';

export interface AccessTokenIssuerOptions {
  readonly keys: { signer(): TokenSigner };
  readonly ids: IdSource;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly ttlMs: number;
}

/** Issues access tokens (RFC 9068). */
export class AccessTokenIssuer {
  readonly #options: AccessTokenIssuerOptions;

  constructor(options: AccessTokenIssuerOptions) {
    this.#options = options;
  }

  /**
   * Issues an access token that never outlives its session. `expiresAt`: milliseconds since 1970.
   *
   * @param now a time at which the session was known to be live: before the store was called. Then a later revocation
   * stays in the log for the whole lifetime of this token. This holds even if the process was paused in between.
   */
  async issue(
    session: Session,
    roles: readonly string[],
    now: number,
  ): Promise<{ token: string; expiresAt: number }> {
    const { keys, ids, issuer, audiences, ttlMs } = this.#options;
    const expiresAt = Math.floor(Math.min(now + ttlMs, session.absoluteDeadline) / 1_000);
    const token = await keys.signer().sign({
      iss: issuer,
      aud: audiences.length === 1 ? audiences[0] : audiences,
      sub: session.userId,
      sid: session.sessionId,
      client_id: session.clientId,
      jti: ids.next(now),
      roles,
      amr: session.authenticationMethods,
      auth_time: Math.floor(session.createdAt / 1_000),
      iat: Math.floor(now / 1_000),
      exp: expiresAt,
    });
    return { token, expiresAt: expiresAt * 1_000 };
  }
}
