import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface TokenFields {
  readonly issuer: string;
  readonly audience: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly tokenId: string;
  readonly clientId: string;
  readonly roles: readonly string[];
  readonly authenticationMethods: readonly string[];
  /** When the session was created. All three times are milliseconds since 1970. */
  readonly createdAt: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const ALGORITHM = 'EdDSA';
const KEY_ID = 'latchkey-client-testing';

/** Signs access tokens as the service does. The key is created at first use and never exported. */
export class TestTokens {
  #pair: ReturnType<typeof generateKeyPair> | undefined;

  /** The JWKs that the service would publish. */
  async publicKeys(): Promise<readonly JWK[]> {
    const { publicKey } = await this.#keys();
    return [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' }];
  }

  async sign(fields: TokenFields): Promise<string> {
    const { privateKey } = await this.#keys();
    const claims = {
      iss: fields.issuer,
      aud: fields.audience,
      sub: fields.userId,
      sid: fields.sessionId,
      jti: fields.tokenId,
      client_id: fields.clientId,
      roles: fields.roles,
      amr: fields.authenticationMethods,
      auth_time: seconds(fields.createdAt),
      iat: seconds(fields.issuedAt),
      exp: seconds(fields.expiresAt),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID, typ: 'at+jwt' })
      .sign(privateKey);
  }

  #keys(): ReturnType<typeof generateKeyPair> {
    this.#pair ??= generateKeyPair(ALGORITHM);
    return this.#pair;
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
