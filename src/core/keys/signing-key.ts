/** JWS algorithms of access tokens (RFC 8037, RFC 7518 section 3.4). */
export type SigningAlgorithm = 'EdDSA' | 'ES256';

/** A public key as a JWK (RFC 7517) with `kid`, `alg` and `use: 'sig'`. */
export type PublicJwk = Readonly<Record<string, unknown>> & { readonly kid: string };

/** A signing key as it is stored. All times are milliseconds since 1970. */
export interface StoredSigningKey {
  /** The JWK thumbprint (RFC 7638). */
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  /** The private JWK, sealed by `core/keys/key-sealing` with a key derived from a master key. */
  readonly sealedPrivateJwk: string;
  readonly createdAt: number;
  /** The key is published from `createdAt`. It signs from this time until its successor's `signsFrom`. */
  readonly signsFrom: number;
}
