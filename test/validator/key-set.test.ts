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
  test('are used without those among them that are none', async () => {
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

  test('stay the same objects while they are published unchanged', async () => {
    const { publicJwk } = await TestKey.make('k');
    const keys = await keySetOf(() => [publicJwk]);
    const first = keys.find('k');
    await keys.refresh();
    expect(keys.find('k')).toBe(first);
  });

  test('with other material under an old id refuse what the old one signed, also what was verified before', async () => {
    const [old, other] = [await TestKey.make('k'), await TestKey.make('k')];
    let published = [old.publicJwk];
    const keys = await keySetOf(() => published);
    const verifier = new TokenVerifier(keys, 10);
    const token = await old.sign(claimsAt(clock.now()));
    await verifier.verify(token);
    expect(verifier.recall(token)).toBeDefined();
    published = [other.publicJwk];
    await keys.refresh();
    expect(verifier.recall(token)).toBeUndefined();
    expect(await verifier.verify(token)).toMatchObject({ reason: 'SIGNATURE' });
    expect(await verifier.verify(await other.sign(claimsAt(clock.now())))).toMatchObject({ keyId: 'k' });
  });
});
