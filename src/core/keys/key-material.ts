// For the adapters, which know core only.
export { withLowS } from '../../validator/low-s.ts';

import type { PublicJwk, SigningAlgorithm } from './signing-key.ts';

export interface GeneratedKey {
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  /** The private JWK as JSON. */
  readonly privateJwk: string;
}

/** Signs the claims of an access token; the JOSE header is `alg`, `kid` and `typ: at+jwt` (RFC 9068, section 2.1). */
export interface TokenSigner {
  readonly keyId: string;
  /** The token in JWS compact form; an ES256 signature has low s, since the validator refuses the other one. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Makes keys and signs with them: the port to the JOSE library. */
export interface KeyMaterial {
  generate(algorithm: SigningAlgorithm): Promise<GeneratedKey>;
  signer(keyId: string, algorithm: SigningAlgorithm, privateJwk: string): Promise<TokenSigner>;
}
