import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemorySharedTokenStore } from '../../src/adapters/memory/memory-shared-token-store.ts';
import { storeUnavailable } from '../../src/core/failure.ts';
import { providerUnavailable } from '../../src/core/sign-in/identity-provider.ts';
import { RENEW_EARLY_MS, SharedToken } from '../../src/core/sign-in/shared-token.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';

const TWO_HOURS = 7_200_000;

let clock: ManualClock;
let store: MemorySharedTokenStore;
let issued: number;
let isAway: boolean;

beforeEach(() => {
  clock = new ManualClock();
  store = new MemorySharedTokenStore(clock);
  issued = 0;
  isAway = false;
});

const fetch = async () => {
  if (isAway) throw providerUnavailable(new Error('away'));
  issued += 1;
  return { token: `token-${issued}`, expiresAt: clock.now() + TWO_HOURS };
};
const replica = () => new SharedToken({ name: 'wechat', store, fetch, clock });

describe('a token that replicas share', () => {
  test('is asked for once, however many replicas want it at the same time', async () => {
    const replicas = [replica(), replica(), replica()];
    const tokens = await Promise.all([...replicas, ...replicas].map((each) => each.get()));
    expect(new Set(tokens)).toEqual(new Set(['token-1']));
  });

  test('is renewed ten minutes early by one of them, while the others go on with the old one', async () => {
    await replica().get();
    clock.advance(TWO_HOURS - RENEW_EARLY_MS - 1);
    expect(await replica().get()).toBe('token-1');
    clock.advance(1);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => replica().get()));
    expect(issued).toBe(2);
    expect(tokens.filter((token) => token === 'token-2')).toHaveLength(1);
    expect(await replica().get()).toBe('token-2');
  });

  test('is replaced once if the issuer does not accept it', async () => {
    const token = await replica().get();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => replica().get(token)));
    expect(new Set(tokens)).toEqual(new Set(['token-2']));
  });

  test('is returned although it cannot be stored', async () => {
    store.replace = () => Promise.reject(storeUnavailable('sessions', new Error('away')));
    expect(await replica().get()).toBe('token-1');
  });

  test('serves on while the issuer is away, until it expires', async () => {
    await replica().get();
    isAway = true;
    clock.advance(TWO_HOURS - 1);
    expect(await replica().get()).toBe('token-1');
    clock.advance(1);
    expect(await outcomeOf(replica().get())).toBe('PROVIDER_UNAVAILABLE');
    isAway = false;
    expect(await replica().get()).toBe('token-2');
  });

  test('is renewed by another replica if the one that has the lease dies', async () => {
    await store.lease('wechat', 'died', 20_000);
    const waiting = replica().get();
    clock.advance(20_000);
    expect(await waiting).toBe('token-1');
  });
});
