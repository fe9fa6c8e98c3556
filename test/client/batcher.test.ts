import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Batcher } from '../../src/client/transport/batcher.ts';
import { LatchkeyError } from '../../src/client/transport/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';

const turn = () => new Promise(setImmediate);

interface HeldCall {
  readonly tokens: readonly string[];
  readonly timeoutMs: number;
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

const TOO_LATE = new LatchkeyError(status.DEADLINE_EXCEEDED, 'No answer.');

let clock: ManualClock;
let calls: HeldCall[];
let isDone: boolean[];
let batcher: Batcher<string, string>;
const ask = (token: string, requirements = '') => batcher.ask(token, requirements, requirements);
const sent = () => calls.map(({ tokens }) => tokens);

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'performance', 'Date'] });
  clock = new ManualClock();
  calls = [];
  isDone = [];
  batcher = new Batcher({
    ask: (tokens, _requirements, timeoutMs) =>
      new Promise((resolve, fail) => {
        const answer = () => resolve(tokens.map((token) => token.toUpperCase()));
        calls.push({ tokens, timeoutMs, answer, fail });
      }),
    maxConcurrent: 2,
    maxConcurrentYoung: 1,
    timeoutMs: 5_000,
    clock,
    track: (work) => {
      const index = isDone.push(false) - 1;
      void work.then(() => {
        isDone[index] = true;
      });
    },
  });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the batcher', () => {
  test('puts tokens that arrive during a call into one later call', async () => {
    const first = ask('a');
    await turn();
    const others = Promise.all(['b', 'c', 'd'].map((token) => ask(token)));
    await turn();
    expect(sent()).toEqual([['a']]);
    calls[0]?.answer();
    expect(await first).toBe('A');
    await turn();
    expect(sent()).toEqual([['a'], ['b', 'c', 'd']]);
    calls[1]?.answer();
    expect(await others).toEqual(['B', 'C', 'D']);
  });

  test('does not let a slow call delay later tokens, up to the maximum of calls', async () => {
    const first = ask('a');
    await turn();
    const second = ask('b', 'other requirements');
    const third = ask('c');
    await turn();
    jest.advanceTimersByTime(4);
    expect(sent()).toEqual([['a']]);
    jest.advanceTimersByTime(1);
    expect(sent()).toEqual([['a'], ['b']]);
    jest.advanceTimersByTime(100);
    expect(sent()).toEqual([['a'], ['b']]);
    calls[1]?.answer();
    expect(await second).toBe('B');
    await turn();
    expect(sent()).toEqual([['a'], ['b'], ['c']]);
    calls[2]?.answer();
    calls[0]?.answer();
    expect(await Promise.all([first, third])).toEqual(['A', 'C']);
  });

  test('sends a token again that had time left at the deadline of an older one in its call', async () => {
    const first = ask('slow');
    await turn();
    const old = expect(ask('old')).rejects.toBe(TOO_LATE);
    clock.advance(4_000);
    const young = ask('young');
    calls[0]?.answer();
    await first;
    await turn();
    expect(calls[1]).toMatchObject({ tokens: ['old', 'young'], timeoutMs: 1_000 });
    clock.advance(1_000);
    calls[1]?.fail(TOO_LATE);
    await old;
    await turn();
    expect(calls[2]).toMatchObject({ tokens: ['young'], timeoutMs: 4_000 });
    calls[2]?.answer();
    expect(await young).toBe('YOUNG');
  });

  test('does not send a token again that failed at its own deadline, or for another reason', async () => {
    const first = expect(ask('a')).rejects.toBe(TOO_LATE);
    await turn();
    calls[0]?.fail(TOO_LATE);
    await first;
    const denied = new LatchkeyError(status.PERMISSION_DENIED, 'No.');
    const both = ['b', 'c'].map((token) => expect(ask(token)).rejects.toBe(denied));
    await turn();
    calls[1]?.fail(denied);
    await Promise.all(both);
    await turn();
    expect(sent()).toEqual([['a'], ['b', 'c']]);
  });

  test('is busy until every token has its answer', async () => {
    const all = [ask('a')];
    await turn();
    all.push(ask('b'));
    calls[0]?.answer();
    await all[0];
    await turn();
    expect(isDone).toEqual([false]);
    calls[1]?.answer();
    await Promise.all(all);
    await turn();
    expect(isDone).toEqual([true]);
    void ask('c');
    await turn();
    expect(isDone).toEqual([true, false]);
    calls[2]?.answer();
    await turn();
    expect(isDone).toEqual([true, true]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
