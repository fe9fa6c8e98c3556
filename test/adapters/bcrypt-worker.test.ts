import { describe, expect, test } from '@jest/globals';
import { type BcryptEngine, type BcryptJob, runJob } from '../../src/adapters/bcrypt/bcrypt-worker.ts';

const TAIL = 'N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

/** Runs a job and returns its work, one item for each bcrypt call. */
function workOf(job: BcryptJob, matches = true): { result: string | boolean; rounds: number } {
  let rounds = 0;
  const charge = (cost: number | string): void => {
    rounds += 2 ** (typeof cost === 'number' ? cost : Number(cost.slice(4, 6)));
  };
  const engine = {
    hashSync: (_: string | Buffer, salt: string | number) => {
      charge(salt);
      return `hash at ${salt}`;
    },
    compareSync: (_: string | Buffer, hash: string) => {
      charge(hash);
      return matches;
    },
  } satisfies BcryptEngine;
  return { result: runJob(job, engine), rounds };
}

function verifyAt(cost: string, targetCost = 12): BcryptJob {
  return { kind: 'verify', input: 'secret', hash: `$2b$${cost}$${TAIL}`, targetCost };
}

describe('a verification', () => {
  test.each(['04', '08', '10', '11', '12'])(
    'of a hash with cost %s takes as much work as one with cost 12',
    (cost) => {
      expect(workOf(verifyAt(cost)).rounds).toBe(2 ** 12);
    },
  );

  test('takes as much work for a right password as for a wrong one', () => {
    expect(workOf(verifyAt('10'), true)).toEqual({ result: true, rounds: 2 ** 12 });
    expect(workOf(verifyAt('10'), false)).toEqual({ result: false, rounds: 2 ** 12 });
  });

  test.each([
    ['nothing', ''],
    ['a hash with a NUL and junk after it', `$2b$10$${TAIL}\0junk`],
    ['a hash of another variant', `$2y$10$${TAIL}`],
    ['a hash of a cost that there is not', `$2b$03$${TAIL}`],
  ])('of %s is false and takes as much work', (_, hash) => {
    expect(workOf({ kind: 'verify', input: 'secret', hash, targetCost: 12 })).toEqual({
      result: false,
      rounds: 2 ** 12,
    });
  });

  test('of a hash with a higher cost takes the work of that cost', () => {
    expect(workOf(verifyAt('14')).rounds).toBe(2 ** 14);
  });
});

describe('hashing', () => {
  test('runs once, at the requested cost', () => {
    expect(workOf({ kind: 'hash', input: 'secret', cost: 12 })).toEqual({
      result: 'hash at 12',
      rounds: 2 ** 12,
    });
  });
});
