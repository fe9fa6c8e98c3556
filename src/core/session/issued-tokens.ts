/** The tokens of a session. Times are milliseconds since 1970. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: number;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: number;
}
