import { beforeEach, describe, expect, test } from '@jest/globals';
import type { SharedTokenStore } from '../../src/core/sign-in/shared-token.ts';
import { eventually } from '../support/eventually.ts';

const AT_ONCE = 20;
const LEASE = 60_000;

/** The law of `SharedTokenStore`. @param open a store as one process opens it; two of them share their tokens. */
export function sharedTokenStoreLaw(name: string, open: () => SharedTokenStore): void {
  describe(`shared tokens in ${name}`, () => {
    const now = Date.now();
    const token = { token: 'T "]é', expiresAt: now + 7_200_000 };
    let turn = 0;
    let of: string;
    beforeEach(() => {
      of = `app-${++turn}`;
    });

    test('are read by all, once the holder of the lease has stored them', async () => {
      expect(await open().read(of)).toBeUndefined();
      expect(await open().lease(of, 'one', LEASE)).toBe(true);
      await open().replace(of, 'one', token, now);
      expect(await open().read(of)).toEqual(token);
      expect(await open().read('other')).toBeUndefined();
    });

    test('have one lease, however many want it at the same time, also from one process', async () => {
      const leases = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, n) => open().lease(of, `holder-${n % 5}`, LEASE)),
      );
      expect(leases.filter((got) => got)).toHaveLength(1);
    });

    test('are changed by the holder of the lease only, and the lease ends with that', async () => {
      await open().lease(of, 'one', LEASE);
      await open().replace(of, 'two', token, now);
      expect(await open().read(of)).toBeUndefined();
      expect(await open().lease(of, 'two', LEASE)).toBe(false);
      await open().replace(of, 'one', undefined, now);
      expect(await open().read(of)).toBeUndefined();
      await open().replace(of, 'one', token, now);
      expect(await open().read(of)).toBeUndefined();
      expect(await open().lease(of, 'two', LEASE)).toBe(true);
    });

    test('can be renewed by another one after the lease has passed', async () => {
      expect(await open().lease(of, 'died', 20)).toBe(true);
      await eventually(() => open().lease(of, 'next', LEASE));
      await open().replace(of, 'died', token, now);
      expect(await open().read(of)).toBeUndefined();
    });
  });
}
