import type { PublicJwk, SigningAlgorithm } from './signing-key.ts';

export interface GeneratedKey {
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  /** The private JWK as JSON. */
  readonly privateJwk: string;
}

/** Signs the claims of an access token. The JOSE header is `alg`, `kid` and `typ: at+jwt` (RFC 9068, section 2.1). */
export interface TokenSigner {
  readonly keyId: string;
  /** Returns the JWS compact form. ES256 signatures must have low s, because the validator rejects high s. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Generates keys and signers: the port to the JOSE library. */
export interface KeyMaterial {
  generate(algorithm: SigningAlgorithm): Promise<GeneratedKey>;
  signer(keyId: string, algorithm: SigningAlgorithm, privateJwk: string): Promise<TokenSigner>;
}
