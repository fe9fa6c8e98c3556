import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Call } from '../../src/grpc/call.ts';
import { deadline } from '../../src/grpc/interceptors/deadline.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const callWith = (remainingMs: number) => ({ remainingMs, abort: () => undefined }) as unknown as Call;

describe('a call whose deadline has passed on arrival', () => {
  test.each([0, -0.5, -4])('fails at once and does no work: %d ms left', (remainingMs) => {
    const work = jest.fn(() => new Promise<never>(() => undefined));
    expect(() => deadline(work)(undefined, callWith(remainingMs))).toThrow(
      expect.objectContaining({ reason: 'DEADLINE_EXCEEDED' }),
    );
    expect(work).not.toHaveBeenCalled();
  });
});

test('A call whose deadline passes when its handler starts sets no negative timer', async () => {
  const timers = jest.spyOn(globalThis, 'setTimeout');
  let remainingMs = 1;
  const call = {
    get remainingMs() {
      return remainingMs;
    },
    abort: () => undefined,
  } as unknown as Call;
  const answer = deadline(() => {
    remainingMs = -20;
    return new Promise<never>(() => undefined);
  })(undefined, call);
  await expect(answer).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  for (const [, ms] of timers.mock.calls) expect(ms).toBeGreaterThanOrEqual(0);
});
