import { describe, expect, test } from '@jest/globals';
import { Heartbeats } from '../../src/app/workers/heartbeats.ts';

/** Workers `a`, which starts, and `b`, which serves, checked once a second. */
function watched() {
  let now = 0;
  const heartbeats = new Heartbeats<string>(() => now);
  heartbeats.starting('a');
  heartbeats.serving('b');
  /** Lets this many seconds pass, with heartbeats of the given workers. Returns the workers found silent. */
  const pass = (seconds: number, alive: readonly string[] = []): readonly string[] => {
    const found: string[] = [];
    for (let second = 0; second < seconds; second += 1) {
      now += 1_000;
      for (const worker of alive) heartbeats.received(worker);
      found.push(...heartbeats.silent().map(({ worker, silentMs }) => `${worker} ${silentMs}`));
    }
    return found;
  };
  const suspend = (seconds: number) => {
    now += 1_000 * seconds;
  };
  return { heartbeats, pass, suspend };
}

describe('heartbeats', () => {
  test('find a worker that has been silent for 10 s', () => {
    const { pass } = watched();
    expect(pass(60, ['a', 'b'])).toEqual([]);
    expect(pass(9, ['a'])).toEqual([]);
    expect(pass(1, ['a'])).toEqual(['b 10000']);
  });

  test('give a starting worker 60 s, and 10 s once it serves', () => {
    const { heartbeats, pass } = watched();
    expect(pass(59, ['b'])).toEqual([]);
    heartbeats.serving('a');
    expect(pass(9, ['b'])).toEqual([]);
    expect(pass(1, ['b'])).toEqual(['a 10000']);
  });

  test('find a worker whose start is silent for 60 s', () => {
    const { pass } = watched();
    expect(pass(60, ['b'])).toEqual(['a 60000']);
  });

  test('start again after this process was suspended', () => {
    const { pass, suspend } = watched();
    expect(pass(9)).toEqual([]);
    suspend(3_600);
    expect(pass(10)).toEqual([]);
    expect(pass(1)).toEqual(['b 10000']);
  });

  test('ignore a worker that has ended', () => {
    const { heartbeats, pass } = watched();
    heartbeats.remove('a');
    heartbeats.remove('b');
    heartbeats.received('b');
    expect(pass(60)).toEqual([]);
  });
});
