import { describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { JoseKeyMaterial } from '../../src/adapters/jose/jose-key-material.ts';
import { hasLowS } from '../support/twin-signature.ts';

describe.each(['EdDSA', 'ES256'] as const)('keys of %s', (algorithm) => {
  const material = new JoseKeyMaterial();

  test('sign access tokens of RFC 9068, which their public key verifies', async () => {
    const { keyId, publicJwk, privateJwk } = await material.generate(algorithm);
    const signer = await material.signer(keyId, algorithm, privateJwk);
    const token = await signer.sign({ sub: 'ada', roles: ['é'] });
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: keyId, typ: 'at+jwt' });
    const { payload } = await compactVerify(token, await importJWK(publicJwk, algorithm));
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ sub: 'ada', roles: ['é'] });
  });

  test('are named by their thumbprint, and publish no private part', async () => {
    const { keyId, publicJwk } = await material.generate(algorithm);
    expect(publicJwk).toMatchObject({ kid: keyId, alg: algorithm, use: 'sig' });
    expect(publicJwk).not.toHaveProperty('d');
    expect(keyId).toBe(await calculateJwkThumbprint(publicJwk));
  });

  test('are different each time', async () => {
    const [one, other] = await Promise.all([material.generate(algorithm), material.generate(algorithm)]);
    expect(one.keyId).not.toBe(other.keyId);
  });
});

test('an ES256 signature always has low s, and verifies', async () => {
  const material = new JoseKeyMaterial();
  const { keyId, publicJwk, privateJwk } = await material.generate('ES256');
  const signer = await material.signer(keyId, 'ES256', privateJwk);
  const publicKey = await importJWK(publicJwk, 'ES256');
  for (let count = 0; count < 64; count += 1) {
    const token = await signer.sign({ count });
    expect(hasLowS(token)).toBe(true);
    await compactVerify(token, publicKey);
  }
});
