import { describe, expect, test } from '@jest/globals';
import type { JWK } from 'jose';
import { KeySet } from '../../src/validator/key-set.ts';
import { TokenVerifier } from '../../src/validator/token-verifier.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { claimsAt, TestKey } from '../support/test-keys.ts';

const clock = new ManualClock();

async function keySetOf(published: () => readonly unknown[]): Promise<KeySet> {
  const keys = new KeySet({
    fetch: async () => published() as readonly JWK[],
    clock,
    minRefetchIntervalMs: 1_000,
  });
  await keys.refresh();
  return keys;
}

describe('the published keys', () => {
  test('are used without malformed ones', async () => {
    const good = await TestKey.make('good');
    const rubbish = [
      null,
      'text',
      {},
      { ...good.publicJwk, kid: 'bad-x', x: 'AA' },
      { ...good.publicJwk, kid: 7 },
      { kty: 'EC', crv: 'P-256', alg: 'ES256', kid: 'no-x' },
      { ...good.publicJwk, kid: 'not-for-verifying', key_ops: ['sign'] },
      { kty: 'RSA', alg: 'RS256', kid: 'rsa', n: 'AQAB', e: 'AQ' },
      { ...(await good.toJwk()), kid: 'private' },
    ];
    const keys = await keySetOf(() => [...rubbish, good.publicJwk]);
    expect(keys.find('good')).toBeDefined();
    for (const kid of ['bad-x', 'no-x', 'not-for-verifying', 'rsa', 'private']) {
      expect(keys.find(kid)).toBeUndefined();
    }
  });

  test.each([
    ['no use and no key_ops', { use: undefined }],
    ['use sig', { use: 'sig' }],
    ['key_ops with verify', { key_ops: ['verify'] }],
    ['members that say nothing about signatures', { x5c: ['AAAA'], ext: true, note: 'ours' }],
  ])('verify with %s', async (_, members) => {
    const key = await TestKey.make('k');
    const keys = await keySetOf(() => [{ ...key.publicJwk, ...members }]);
    const token = await key.sign(claimsAt(clock.now()));
    expect(await new TokenVerifier(keys, 10).verify(token)).toMatchObject({ keyId: 'k' });
  });

  test.each([
    ['use enc', { use: 'enc' }],
    ['a use that is none', { use: 'toString' }],
    ['a use that is no text', { use: ['sig'] }],
    ['key_ops without verify', { key_ops: ['encrypt', 'wrapKey'] }],
    ['no key_ops', { key_ops: [] }],
    ['key_ops that are one text', { key_ops: 'verify' }],
    ['use enc and key_ops with verify', { use: 'enc', key_ops: ['verify'] }],
    ['use sig and key_ops without verify', { use: 'sig', key_ops: ['deriveKey'] }],
    ['no alg', { alg: undefined }],
    ['the alg of another kind of key', { alg: 'ES256' }],
    ['an alg that is not made with it', { alg: 'ECDH-ES' }],
    ['an alg that is every object’s', { alg: 'constructor' }],
    ['another kty', { kty: 'EC' }],
    ['another crv', { crv: 'X25519' }],
    ['a private member', { d: 'AAAA' }],
    ['an empty private member', { d: '' }],
    ['no kid', { kid: undefined }],
  ])('do not verify with %s', async (_, members) => {
    const key = await TestKey.make('k');
    const keys = await keySetOf(() => [{ ...key.publicJwk, ...members }]);
    expect(keys.find('k')).toBeUndefined();
    const token = await key.sign(claimsAt(clock.now()));
    expect(await new TokenVerifier(keys, 10).verify(token)).toEqual({ reason: 'UNKNOWN_KEY' });
  });

  test('do not verify if two different ones have the same id, in any order', async () => {
    const [one, other, third] = [await TestKey.make('k'), await TestKey.make('k'), await TestKey.make('l')];
    const published = [one.publicJwk, other.publicJwk, third.publicJwk];
    for (const order of [published, published.toReversed(), [...published, one.publicJwk]]) {
      const keys = await keySetOf(() => order);
      expect(keys.find('k')).toBeUndefined();
      expect(keys.find('l')).toBeDefined();
    }
  });

  test('verify if the same one is published twice, or an encryption key has its id', async () => {
    const [one, other] = [await TestKey.make('k'), await TestKey.make('k')];
    const keys = await keySetOf(() => [{ ...other.publicJwk, use: 'enc' }, one.publicJwk, one.publicJwk]);
    const token = await one.sign(claimsAt(clock.now()));
    expect(await new TokenVerifier(keys, 10).verify(token)).toMatchObject({ keyId: 'k' });
  });

  test('stay the same objects while they are published unchanged', async () => {
    const { publicJwk } = await TestKey.make('k');
    const keys = await keySetOf(() => [publicJwk]);
    const first = keys.find('k');
    await keys.refresh();
    expect(keys.find('k')).toBe(first);
  });

  test("with a known id but another key reject the old one's tokens, also cached ones", async () => {
    const [old, other] = [await TestKey.make('k'), await TestKey.make('k')];
    let published = [old.publicJwk];
    const keys = await keySetOf(() => published);
    const verifier = new TokenVerifier(keys, 10);
    const token = await old.sign(claimsAt(clock.now()));
    await verifier.verify(token);
    expect(verifier.findCached(token)).toBeDefined();
    published = [other.publicJwk];
    await keys.refresh();
    expect(verifier.findCached(token)).toBeUndefined();
    expect(await verifier.verify(token)).toMatchObject({ reason: 'SIGNATURE' });
    expect(await verifier.verify(await other.sign(claimsAt(clock.now())))).toMatchObject({ keyId: 'k' });
  });
});
