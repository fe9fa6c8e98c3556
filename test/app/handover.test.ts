import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Handover, type Receiver } from '../../src/app/workers/handover.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const asSocket = (socket: FakeSocket) => socket as unknown as Socket;

/** A worker that keeps the connections it receives, and takes them when the test says. */
class FakeTaker implements Receiver {
  readonly handed: unknown[] = [];

  send(_order: unknown, connection: unknown): void {
    this.handed.push(connection);
  }
}

function handoverTo(count: number) {
  const handover = new Handover();
  const takers = Array.from({ length: count }, () => new FakeTaker());
  for (const taker of takers) handover.add(taker);
  const hand = (connections: number) =>
    Array.from({ length: connections }, () => {
      const socket = new FakeSocket();
      handover.hand(asSocket(socket));
      return socket;
    });
  const counts = () => takers.map(({ handed }) => handed.length);
  const taker = (index: number) => takers[index] as FakeTaker;
  return { handover, hand, counts, taker };
}

describe('connections', () => {
  test('are handed to the workers in turn', () => {
    const { handover, hand, counts, taker } = handoverTo(3);
    for (let round = 1; round <= 4; round += 1) {
      hand(3);
      expect(counts()).toEqual([round, round, round]);
      for (const index of [0, 1, 2]) handover.taken(taker(index));
    }
  });

  test('skip a worker that has not taken its last connection, and wait if all workers are busy', () => {
    const { handover, hand, counts, taker } = handoverTo(2);
    hand(2);
    handover.taken(taker(1));
    hand(1);
    handover.taken(taker(1));
    hand(2);
    expect(counts()).toEqual([1, 3]);
    handover.taken(taker(0));
    expect(counts()).toEqual([2, 3]);
  });

  test('are kept open here until a worker takes them', () => {
    const { handover, hand, taker } = handoverTo(1);
    const [first] = hand(1);
    expect(first?.destroyed).toBe(false);
    handover.taken(taker(0));
    expect(first?.destroyed).toBe(true);
  });

  test('are closed if no worker serves', () => {
    const { handover, hand, taker } = handoverTo(1);
    const sockets = hand(2);
    handover.remove(taker(0));
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(hand(1)[0]?.destroyed).toBe(true);
    expect(taker(0).handed).toHaveLength(1);
  });

  test('are handed to another worker if the first one ends before it takes them', () => {
    const { handover, hand, taker } = handoverTo(2);
    const sockets = hand(3);
    handover.remove(taker(0));
    for (let count = 0; count < 3; count += 1) handover.taken(taker(1));
    expect(taker(0).handed).toEqual([sockets[0]]);
    expect(new Set(taker(1).handed)).toEqual(new Set(sockets));
  });

  test('are not expected from a worker that was sent none', () => {
    const { handover, hand, counts, taker } = handoverTo(2);
    handover.taken(taker(0));
    handover.remove(taker(1));
    handover.taken(taker(1));
    hand(2);
    expect(counts()).toEqual([1, 0]);
  });

  test('are not handed on after their peer has closed them', () => {
    const { handover, hand, taker } = handoverTo(1);
    const [, left, stays] = hand(3);
    left?.destroy();
    handover.taken(taker(0));
    expect(taker(0).handed.at(-1)).toBe(stays);
  });

  test('wait in limited number', () => {
    const { hand } = handoverTo(1);
    const sockets = hand(5_000);
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(5_000 - 1 - 4_096);
  });
});
