import type { StoredSigningKey } from '../../src/core/keys/signing-key.ts';

/** A signing key as a store sees it. Its key texts are arbitrary. */
export function aStoredKey(
  keyId: string,
  signsFrom: number,
  given: Partial<StoredSigningKey> = {},
): StoredSigningKey {
  return {
    keyId,
    algorithm: 'EdDSA',
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x: `public half of ${keyId}`, kid: keyId },
    sealedPrivateJwk: `v1.0123abcd.${keyId}`,
    createdAt: signsFrom,
    signsFrom,
    ...given,
  };
}
