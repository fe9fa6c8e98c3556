import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { hasLowS, twinOf } from './twin-signature.ts';

/** A signing key for one test, and tokens signed with it. */
export class TestKey {
  readonly publicJwk: JWK & { readonly kid: string };
  readonly #privateKey: CryptoKey;
  readonly #algorithm: string;

  private constructor(publicJwk: JWK & { kid: string }, privateKey: CryptoKey, algorithm: string) {
    this.publicJwk = publicJwk;
    this.#privateKey = privateKey;
    this.#algorithm = algorithm;
  }

  static async make(kid = 'key-1', algorithm = 'EdDSA'): Promise<TestKey> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
    return new TestKey(publicJwk, privateKey, algorithm);
  }

  /** The key of `toJwk`, for another process of the test. */
  static async fromJwk({ d, ...publicJwk }: JWK): Promise<TestKey> {
    const { kid = '', alg = 'EdDSA' } = publicJwk;
    const privateKey = (await importJWK({ ...publicJwk, d } as JWK, alg, { extractable: true })) as CryptoKey;
    return new TestKey({ ...publicJwk, kid }, privateKey, alg);
  }

  /** Includes the private key. */
  async toJwk(): Promise<JWK> {
    return { ...this.publicJwk, ...(await exportJWK(this.#privateKey)) };
  }

  async sign(claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
    const protectedHeader = { alg: this.#algorithm, kid: this.publicJwk.kid, typ: 'at+jwt', ...header };
    const token = await new SignJWT(claims).setProtectedHeader(protectedHeader).sign(this.#privateKey);
    return this.#algorithm === 'EdDSA' || hasLowS(token) ? token : twinOf(token);
  }
}

type CryptoKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

export const ISSUER = 'https://latchkey.test';
export const AUDIENCE = 'test-services';

/** Claims of a valid token issued at `now`. */
export function claimsAt(now: number, given: Record<string, unknown> = {}): Record<string, unknown> {
  const seconds = Math.floor(now / 1000);
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: '01900000-0000-7000-8000-00000000aaaa',
    sid: '019b7600-0000-7000-8000-00000000bbbb',
    client_id: 'web',
    jti: '019b7600-0000-7000-8000-00000000cccc',
    roles: ['reader'],
    amr: ['pwd'],
    auth_time: seconds,
    iat: seconds,
    exp: seconds + 900,
    ...given,
  };
}
