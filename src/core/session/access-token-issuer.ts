import type { Clock } from '../../validator/clock.ts';
import type { IdSource } from '../ids.ts';
import type { TokenSigner } from '../keys/key-material.ts';
import type { Session } from './session.ts';

export interface AccessTokenIssuerOptions {
  readonly keys: { signer(): TokenSigner };
  readonly ids: IdSource;
  readonly clock: Clock;
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

  /** The token never outlives its session. `expiresAt`: milliseconds since 1970. */
  async issue(session: Session, roles: readonly string[]): Promise<{ token: string; expiresAt: number }> {
    const { keys, ids, clock, issuer, audiences, ttlMs } = this.#options;
    const now = clock.now();
    const expiresAt = Math.floor(Math.min(now + ttlMs, session.absoluteDeadline) / 1000);
    const token = await keys.signer().sign({
      iss: issuer,
      aud: audiences.length === 1 ? audiences[0] : audiences,
      sub: session.userId,
      sid: session.sessionId,
      client_id: session.clientId,
      jti: ids.next(now),
      roles,
      amr: session.authenticationMethods,
      auth_time: Math.floor(session.createdAt / 1000),
      iat: Math.floor(now / 1000),
      exp: expiresAt,
    });
    return { token, expiresAt: expiresAt * 1000 };
  }
}
