import type { AccessTokenIssuer } from './access-token-issuer.ts';
import { MAX_GENERATION, type RefreshGrant, type RefreshTokens } from './refresh-token.ts';
import type { IssuedTokens, Session } from './session.ts';
import { invalidRefreshToken } from './session-failures.ts';

export interface SessionTokensOptions {
  readonly accessTokens: AccessTokenIssuer;
  readonly refreshTokens: RefreshTokens;
}

export interface SessionWithTokens {
  readonly session: Session;
  readonly tokens: IssuedTokens;
}

/** Issues the two tokens of a session, and reads its refresh tokens. */
export class SessionTokens {
  readonly #options: SessionTokensOptions;

  constructor(options: SessionTokensOptions) {
    this.#options = options;
  }

  /** Issues both tokens. @param now as in `AccessTokenIssuer.issue`. */
  async issue(session: Session, roles: readonly string[], now: number): Promise<IssuedTokens> {
    const { accessTokens, refreshTokens } = this.#options;
    const access = await accessTokens.issue(session, roles, now);
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken: refreshTokens.mint(session),
      refreshTokenExpiresAt: Math.min(session.idleDeadline, session.absoluteDeadline),
    };
  }

  /** What a refresh token stands for. Fails with INVALID_REFRESH_TOKEN. */
  grantOf(refreshToken: string): RefreshGrant {
    const grant = this.#options.refreshTokens.verify(refreshToken);
    if (grant === undefined || grant.generation >= MAX_GENERATION) {
      throw invalidRefreshToken('This is not a refresh token of this service; sign in again.');
    }
    return grant;
  }
}
