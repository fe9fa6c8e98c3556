import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Batcher } from '../../src/client/transport/batcher.ts';
import { ManualClock } from '../support/manual-clock.ts';

const turn = () => new Promise(setImmediate);

let calls: { readonly tokens: readonly string[]; readonly answer: () => void }[];
let isDone: boolean[];
let batcher: Batcher<string, string>;
const ask = (token: string, requirements = '') => batcher.ask(token, requirements, requirements);
const sent = () => calls.map(({ tokens }) => tokens);

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick', 'performance', 'Date'] });
  calls = [];
  isDone = [];
  batcher = new Batcher({
    ask: (tokens) =>
      new Promise((resolve) => {
        calls.push({ tokens, answer: () => resolve(tokens.map((token) => token.toUpperCase())) });
      }),
    maxConcurrent: 2,
    maxConcurrentYoung: 1,
    timeoutMs: 5_000,
    clock: new ManualClock(),
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
