import { describe, expect, test } from '@jest/globals';
import {
  type CallSource,
  PasswordQueue,
  type PasswordQueueOptions,
  type Place,
} from '../../src/core/password/password-queue.ts';
import { failureOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** The stream limit of a connection. */
const FLOOD = 200;

/** A queue, and the names of the places that got a turn, in order. */
class Line {
  readonly queue: PasswordQueue;
  readonly turns: string[] = [];
  readonly lost: string[] = [];
  readonly #places = new Map<string, Place>();

  constructor(given: Partial<PasswordQueueOptions> = {}) {
    this.queue = new PasswordQueue({ maxRunning: 1, capacity: 4, monotonic: () => 0, ...given });
  }

  /** Takes a place and records its outcome under the name. */
  take(name: string, source: Partial<CallSource> = {}, signal?: AbortSignal): Place {
    const place = this.queue.take({ source: from(source), ...(signal !== undefined && { signal }) });
    this.#places.set(name, place);
    place.turn.then(
      () => this.turns.push(name),
      ({ reason }) => this.lost.push(`${name}: ${reason}`),
    );
    return place;
  }

  async leave(name: string): Promise<void> {
    this.#places.get(name)?.leave();
    await settled();
  }
}

function from(source: Partial<CallSource>): CallSource {
  return { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1', ...source };
}

const other = { address: '198.51.100.1', connection: '198.51.100.1:1' };

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the password queue', () => {
  test('gives as many turns at once as configured, and the next when one ends', async () => {
    const line = new Line({ maxRunning: 2 });
    for (const name of ['a', 'b', 'c', 'd']) line.take(name);
    await settled();
    expect(line.turns).toEqual(['a', 'b']);
    expect(line.queue.waiting).toBe(2);
    await line.leave('b');
    await line.leave('b');
    expect(line.turns).toEqual(['a', 'b', 'c']);
  });

  test('refuses at once when it is full, with a retry delay', async () => {
    const line = new Line({ maxRunning: 2, capacity: 6 });
    for (let count = 0; count < 2 + 6; count += 1) line.take('early');
    expect(line.queue.waiting).toBe(6);
    expect(await failureOf(() => line.take('late'))).toMatchObject({
      reason: 'LOGIN_QUEUE_FULL',
      retryAfterMs: 375,
    });
    expect(line.queue.waiting).toBe(6);
  });

  test('measures the duration of turns for the retry delay', async () => {
    const clock = new ManualClock();
    const line = new Line({ capacity: 2, monotonic: () => clock.monotonic() });
    for (let count = 0; count < 60; count += 1) {
      const place = line.take('early');
      clock.advance(1_000);
      place.leave();
    }
    for (let count = 0; count < 3; count += 1) line.take('busy');
    expect(await failureOf(() => line.take('late'))).toMatchObject({ retryAfterMs: 1_000 });
  });

  test('without capacity still gives a turn to the first caller', async () => {
    const line = new Line({ capacity: 0 });
    line.take('first');
    expect(await failureOf(() => line.take('second'))).toMatchObject({ reason: 'LOGIN_QUEUE_FULL' });
    await line.leave('first');
    line.take('third');
    await settled();
    expect(line.turns).toEqual(['first', 'third']);
  });

  test('ends the turn of work that fails', async () => {
    const line = new Line();
    const failing = line.queue.run(undefined, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(await line.queue.run(undefined, async () => 'next')).toBe('next');
  });
});

describe('a cancelled caller', () => {
  test('releases its waiting place', async () => {
    const line = new Line();
    const caller = new AbortController();
    line.take('running');
    line.take('leaver', {}, caller.signal);
    line.take('behind');
    caller.abort();
    expect(line.queue.waiting).toBe(1);
    await line.leave('running');
    expect(line.lost).toEqual(['leaver: CANCELLED']);
    expect(line.turns).toEqual(['running', 'behind']);
  });

  test('gets no place if it was cancelled before', async () => {
    const line = new Line();
    expect(await failureOf(() => line.take('gone', {}, AbortSignal.abort()))).toMatchObject({
      reason: 'CANCELLED',
    });
    expect(line.queue.waiting).toBe(0);
  });

  test('keeps a turn that has started', async () => {
    const line = new Line();
    const caller = new AbortController();
    line.take('running', {}, caller.signal);
    line.take('behind');
    caller.abort();
    await settled();
    expect(line.turns).toEqual(['running']);
    expect(line.lost).toEqual([]);
  });
});

describe('a flood', () => {
  /** Fills the queue from one connection, whose further calls are refused. */
  async function flooded(given: Partial<PasswordQueueOptions> = {}): Promise<Line> {
    const line = new Line({ capacity: 32, ...given });
    let refused = 0;
    for (let count = 0; count < FLOOD; count += 1) {
      try {
        line.take(`flood ${count}`);
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBe(FLOOD - line.queue.waiting - 1);
    await settled();
    return line;
  }

  test('of one connection costs another connection one turn, and the flood a place', async () => {
    const line = await flooded();
    line.take('good', { connection: '192.0.2.1:2' });
    await settled();
    expect(line.lost).toEqual(['flood 32: LOGIN_QUEUE_FULL']);
    await line.leave('flood 0');
    await line.leave('flood 1');
    expect(line.turns).toEqual(['flood 0', 'flood 1', 'good']);
  });

  test('leaves half of the places to one other address', async () => {
    const line = await flooded();
    for (let count = 0; count < 16; count += 1) line.take(`good ${count}`, other);
    expect(await failureOf(() => line.take('good 16', other))).toMatchObject({ reason: 'LOGIN_QUEUE_FULL' });
    expect(line.lost.every((name) => name.startsWith('flood'))).toBe(true);
  });

  test('of many connections of one address costs another address no more than one connection does', async () => {
    const line = new Line({ capacity: 50 });
    for (let count = 0; count < 51; count += 1) {
      line.take(`flood ${count}`, { connection: `192.0.2.1:${count}` });
    }
    line.take('good', other);
    await line.leave('flood 0');
    await line.leave('flood 1');
    expect(line.turns).toEqual(['flood 0', 'flood 1', 'good']);
  });

  test('of sign-ins from as many addresses as places does not block an administrator', async () => {
    const line = new Line({ capacity: 32 });
    for (let count = 0; count < 33; count += 1) line.take(`flood ${count}`, sourceNumber(count));
    expect(await failureOf(() => line.take('one more', sourceNumber(99)))).toMatchObject({
      reason: 'LOGIN_QUEUE_FULL',
    });
    line.take('administrator', { ...other, purpose: 'administration' });
    await line.leave('flood 0');
    await line.leave('flood 1');
    expect(line.turns).toEqual(['flood 0', 'flood 1', 'administrator']);
  });

  test('of sign-ins from as many addresses as there are places keeps no known device out', async () => {
    const line = new Line({ capacity: 32 });
    for (let count = 0; count < 33; count += 1) line.take(`flood ${count}`, sourceNumber(count));
    line.take('owner', { address: 'user 1', connection: '198.51.100.1:1', purpose: 'known-device' });
    await line.leave('flood 0');
    await line.leave('flood 1');
    expect(line.turns).toEqual(['flood 0', 'flood 1', 'owner']);
  });

  test('over one connection of a Unix socket costs another one a single turn', async () => {
    const line = new Line({ capacity: 2 });
    const socket = { address: '', connection: 'unix 1' };
    for (const name of ['flood 0', 'flood 1', 'flood 2']) line.take(name, socket);
    line.take('good', { ...socket, connection: 'unix 2' });
    await line.leave('flood 0');
    await line.leave('flood 1');
    expect(line.lost).toEqual(['flood 2: LOGIN_QUEUE_FULL']);
    expect(line.turns).toEqual(['flood 0', 'flood 1', 'good']);
  });
});

function sourceNumber(count: number): Pick<CallSource, 'address' | 'connection'> {
  return { address: `203.0.113.${count}`, connection: `203.0.113.${count}:1` };
}

test('a closed queue fails what waits, lets the running turn finish and refuses new calls', async () => {
  const line = new Line();
  line.take('running');
  line.take('waiting');
  line.queue.close();
  await settled();
  expect(line.turns).toEqual(['running']);
  expect(line.lost).toEqual(['waiting: DRAINING']);
  expect(await failureOf(() => line.take('late'))).toMatchObject({ reason: 'DRAINING' });
  await line.leave('running');
});
