import { describe, expect, test } from '@jest/globals';
import { FairQueue } from '../../src/core/password/fair-queue.ts';

/** A queue of names like `a1-first`: address `a`, connection `a1`. */
class Line {
  readonly #queue = new FairQueue<string>();

  add(...items: readonly string[]): this {
    for (const item of items) this.#queue.add(pathOf(item), item);
    return this;
  }

  remove(item: string): boolean {
    return this.#queue.remove(pathOf(item), item);
  }

  evictFor(item: string): string | undefined {
    return this.#queue.evictFor(pathOf(item));
  }

  get size(): number {
    return this.#queue.size;
  }

  serve(count = this.size): readonly (string | undefined)[] {
    return Array.from({ length: count }, () => this.#queue.next());
  }
}

function pathOf(item: string): readonly string[] {
  return [item.slice(0, 1), item.slice(0, 2)];
}

describe('a fair queue', () => {
  test('serves one source in order of arrival', () => {
    expect(new Line().add('a1-x', 'a1-y', 'a1-z').serve()).toEqual(['a1-x', 'a1-y', 'a1-z']);
  });

  test('serves addresses in turn, however many items each has', () => {
    const line = new Line().add('a1-x', 'a1-y', 'a1-z', 'b1-x', 'b1-y', 'c1-x');
    expect(line.serve()).toEqual(['a1-x', 'b1-x', 'c1-x', 'a1-y', 'b1-y', 'a1-z']);
  });

  test('serves the connections of an address in turn, and gives the address no more for having many', () => {
    const line = new Line().add('a1-x', 'a1-y', 'a2-x', 'a3-x', 'b1-x', 'b1-y');
    expect(line.serve()).toEqual(['a1-x', 'b1-x', 'a2-x', 'b1-y', 'a3-x', 'a1-y']);
  });

  test('puts a source that returns behind those that wait', () => {
    const line = new Line().add('a1-x', 'b1-x', 'c1-x');
    expect(line.serve(1)).toEqual(['a1-x']);
    expect(line.add('a1-y').serve()).toEqual(['b1-x', 'c1-x', 'a1-y']);
  });

  test('removes an item once', () => {
    const line = new Line().add('a1-x', 'a1-y', 'b1-x');
    expect([line.remove('a1-x'), line.remove('a1-x'), line.remove('c1-x')]).toEqual([true, false, false]);
    expect(line.size).toBe(2);
    expect(line.serve()).toEqual(['a1-y', 'b1-x']);
  });

  test('is empty after the last item', () => {
    expect(new Line().serve(1)).toEqual([undefined]);
    expect(new Line().evictFor('a1-x')).toBeUndefined();
  });
});

describe('making room', () => {
  test('drops the newest item of the largest connection of the largest address', () => {
    const line = new Line().add('a1-x', 'a2-x', 'a2-y', 'b1-x', 'b1-y', 'c1-new');
    expect(line.evictFor('c1-new')).toBe('a2-y');
    expect(line.serve()).toEqual(['a1-x', 'b1-x', 'c1-new', 'a2-x', 'b1-y']);
  });

  test('drops the new item if no source has more', () => {
    const line = new Line().add('a1-x', 'b1-x', 'c1-new');
    expect(line.evictFor('c1-new')).toBe('c1-new');
    expect(new Line().add('a1-x', 'a1-y', 'b1-x', 'a1-new').evictFor('a1-new')).toBe('a1-new');
  });
});
