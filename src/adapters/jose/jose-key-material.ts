import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { GeneratedKey, KeyMaterial, TokenSigner } from '../../core/keys/key-material.ts';
import type { SigningAlgorithm } from '../../core/keys/signing-key.ts';
import { withLowS } from '../../validator/low-s.ts';

/** Generates signing keys and signs tokens with jose, which uses Web Crypto. */
export class JoseKeyMaterial implements KeyMaterial {
  async generate(algorithm: SigningAlgorithm): Promise<GeneratedKey> {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    const [publicJwk, privateJwk] = await Promise.all([
      exportJWK(pair.publicKey),
      exportJWK(pair.privateKey),
    ]);
    const keyId = await calculateJwkThumbprint(publicJwk);
    return {
      keyId,
      publicJwk: { ...publicJwk, kid: keyId, alg: algorithm, use: 'sig' },
      privateJwk: JSON.stringify(privateJwk),
    };
  }

  async signer(keyId: string, algorithm: SigningAlgorithm, privateJwk: string): Promise<TokenSigner> {
    const key = await importJWK(JSON.parse(privateJwk) as JWK, algorithm);
    const header = { alg: algorithm, kid: keyId, typ: 'at+jwt' };
    const encoder = new TextEncoder();
    return {
      keyId,
      sign: async (claims) => {
        const payload = encoder.encode(JSON.stringify(claims));
        const token = await new CompactSign(payload).setProtectedHeader(header).sign(key);
        return algorithm === 'ES256' ? lowSForm(token) : token;
      },
    };
  }
}

function lowSForm(token: string): string {
  const signatureAt = token.lastIndexOf('.') + 1;
  const signature = withLowS(Buffer.from(token.slice(signatureAt), 'base64url'));
  return token.slice(0, signatureAt) + Buffer.from(signature).toString('base64url');
}
