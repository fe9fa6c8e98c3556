import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KeyStore } from '../../src/core/keys/key-store.ts';
import { aStoredKey } from '../support/stored-keys.ts';

const T0 = Date.UTC(2026, 0, 1);

/** The law of `KeyStore`. @param open opens one empty store twice, as two processes would. */
export function keyStoreLaw(name: string, open: () => Promise<readonly [KeyStore, KeyStore]>): void {
  describe(`the key store (${name})`, () => {
    let keys: KeyStore;
    let elsewhere: KeyStore;

    beforeEach(async () => {
      [keys, elsewhere] = await open();
    });

    const idsIn = async (store: KeyStore) => (await store.list()).map(({ keyId }) => keyId);

    test('lists exactly what was stored, in every process', async () => {
      const key = aStoredKey('first', T0, { algorithm: 'ES256', createdAt: T0 - 1 });
      expect(await keys.list()).toEqual([]);
      expect(await keys.insertAfter(undefined, key)).toBe(true);
      expect(await elsewhere.list()).toEqual([key]);
    });

    test('lists the newest first, by the start of signing and then by id, upper case before lower', async () => {
      await keys.insertAfter(undefined, aStoredKey('z', T0));
      await keys.insertAfter('z', aStoredKey('B', T0 + 1));
      await keys.insertAfter('B', aStoredKey('a', T0 + 1));
      await keys.insertAfter('a', aStoredKey('_', T0 + 2));
      expect(await idsIn(elsewhere)).toEqual(['_', 'a', 'B', 'z']);
    });

    test('inserts nothing after a key that is no longer the newest', async () => {
      await keys.insertAfter(undefined, aStoredKey('first', T0));
      expect(await elsewhere.insertAfter(undefined, aStoredKey('other', T0))).toBe(false);
      expect(await keys.insertAfter('first', aStoredKey('second', T0 + 1))).toBe(true);
      expect(await elsewhere.insertAfter('first', aStoredKey('rival', T0 + 2))).toBe(false);
      expect(await elsewhere.insertAfter('unknown', aStoredKey('lost', T0 + 3))).toBe(false);
      expect(await idsIn(keys)).toEqual(['second', 'first']);
    });

    test('accepts one of many concurrent inserts', async () => {
      let newest: string | undefined;
      for (let round = 0; round < 10; round += 1) {
        const after = newest;
        const candidates = Array.from({ length: 6 }, (_, index) =>
          aStoredKey(`${round}-${index}`, T0 + round),
        );
        const inserted = await Promise.all(
          candidates.map((key, index) => (index % 2 === 0 ? keys : elsewhere).insertAfter(after, key)),
        );
        const winners = candidates.filter((_, index) => inserted[index]).map(({ keyId }) => keyId);
        expect(winners).toHaveLength(1);
        newest = winners[0];
        expect((await keys.list())[0]?.keyId).toBe(newest);
        expect(await keys.list()).toHaveLength(round + 1);
      }
    });

    test('removes the given keys, and ignores missing ones', async () => {
      await keys.insertAfter(undefined, aStoredKey('first', T0));
      await keys.insertAfter('first', aStoredKey('second', T0 + 1));
      await keys.insertAfter('second', aStoredKey('third', T0 + 2));
      await elsewhere.remove(['first', 'second', 'never-was']);
      await keys.remove(['first']);
      await keys.remove([]);
      expect(await idsIn(keys)).toEqual(['third']);
    });
  });
}
