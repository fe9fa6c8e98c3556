import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from '../../src/core/password/fair-queue.ts';

/**
 * Items arrive from several addresses and connections, are served, and are cancelled, in any order. While the queue is
 * full, each arrival displaces one place.
 */

interface Item {
  readonly address: string;
  readonly connection: string;
  /** How many of its own source wait when it arrives, including itself. */
  readonly ownRank: number;
  /** Sources that were waiting at any time since then. */
  readonly addresses: Set<string>;
  readonly connections: Set<string>;
  /** How many were served since then. */
  served: number;
}

class World {
  readonly #queue = new FairQueue<Item>();
  readonly #capacity: number;
  readonly #waiting: Item[] = [];
  #arrived = 0;
  #gone = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  arrive(addressNumber: number, connectionNumber: number): void {
    const address = `address ${addressNumber}`;
    const connection = `${address}, connection ${connectionNumber}`;
    const ownRank = 1 + this.#count((other) => other.connection === connection);
    const item = {
      address,
      connection,
      ownRank,
      addresses: new Set<string>(),
      connections: new Set<string>(),
      served: 0,
    };
    this.#queue.add(pathOf(item), item);
    this.#waiting.push(item);
    this.#arrived += 1;
    if (this.#queue.size > this.#capacity) this.#makeRoomFor(item);
    this.check();
  }

  serve(): void {
    const item = this.#queue.next();
    expect(item === undefined).toBe(this.#waiting.length === 0);
    if (item === undefined) return;
    const older = this.#waiting.slice(0, this.#waiting.indexOf(item));
    expect(older.filter(({ connection }) => connection === item.connection)).toEqual([]);
    this.#forget(item);
    expect(item.served).toBeLessThan(item.ownRank * item.connections.size * item.addresses.size);
    for (const other of this.#waiting) other.served += 1;
    this.check();
  }

  leave(index: number): void {
    const item = this.#waiting[index % Math.max(1, this.#waiting.length)];
    if (item === undefined) return;
    expect(this.#queue.remove(pathOf(item), item)).toBe(true);
    expect(this.#queue.remove(pathOf(item), item)).toBe(false);
    this.#forget(item);
    this.check();
  }

  /** Serves everything that is left; nothing was lost. */
  drain(): void {
    while (this.#queue.size > 0) this.serve();
    expect(this.#waiting).toEqual([]);
    expect(this.#gone).toBe(this.#arrived);
  }

  check(): void {
    expect(this.#queue.size).toBe(this.#waiting.length);
    expect(this.#queue.size).toBeLessThanOrEqual(this.#capacity);
    for (const item of this.#waiting) {
      for (const { address, connection } of this.#waiting) {
        item.addresses.add(address);
        if (address === item.address) item.connections.add(connection);
      }
    }
  }

  #makeRoomFor(newcomer: Item): void {
    const byAddress = countBy(this.#waiting, ({ address }) => address);
    const loser = this.#queue.evictFor(pathOf(newcomer)) as Item;
    const inAddress = this.#waiting.filter(({ address }) => address === loser.address);
    const byConnection = countBy(inAddress, ({ connection }) => connection);
    const newest = this.#waiting.findLast(({ connection }) => connection === loser.connection);
    expect(byAddress.get(loser.address)).toBe(Math.max(...byAddress.values()));
    expect(byConnection.get(loser.connection)).toBe(Math.max(...byConnection.values()));
    expect(loser).toBe(newest);
    if (byAddress.get(newcomer.address) === byAddress.get(loser.address)) {
      expect(loser.address).toBe(newcomer.address);
    }
    this.#forget(loser);
  }

  #forget(item: Item): void {
    this.#waiting.splice(this.#waiting.indexOf(item), 1);
    this.#gone += 1;
  }

  #count(matches: (item: Item) => boolean): number {
    return this.#waiting.filter(matches).length;
  }
}

function pathOf({ address, connection }: Item): readonly string[] {
  return [address, connection];
}

function countBy(items: readonly Item[], nameOf: (item: Item) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

type Step = (world: World) => void;

const arrival = fc
  .record({ address: fc.nat(4), connection: fc.nat(3), times: fc.integer({ min: 1, max: 5 }) })
  .map(({ address, connection, times }): Step => {
    return (world) => {
      for (let time = 0; time < times; time += 1) world.arrive(address, connection);
    };
  });
const service = fc.constant<Step>((world) => world.serve());
const leaving = fc.nat(50).map(
  (index): Step =>
    (world) =>
      world.leave(index),
);
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: arrival },
    { weight: 4, arbitrary: service },
    { weight: 1, arbitrary: leaving },
  ),
  { maxLength: 80 },
);

test('serves each source within its share, keeps the bound and loses nothing, for any arrivals', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps, (capacity, taken) => {
      const world = new World(capacity);
      for (const step of taken) step(world);
      world.drain();
    }),
    { numRuns: 300 },
  );
});
