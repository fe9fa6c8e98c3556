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
  /** Of the session, and so of the sign-in; milliseconds since 1970, as all of these. */
  readonly createdAt: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const ALGORITHM = 'EdDSA';
const KEY_ID = 'latchkey-client-testing';

/** Makes access tokens as the service does, with a key that is made when it is needed first and never leaves. */
export class TestTokens {
  #pair: ReturnType<typeof generateKeyPair> | undefined;

  /** What the service would publish. */
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
