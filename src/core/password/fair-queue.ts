/** One source of items, or a group of sources. */
interface Branch<Item> {
  /** Items in this branch and all branches below. */
  size: number;
  /** By name, in turn order. */
  readonly branches: Map<string, Branch<Item>>;
  /** In order of arrival. */
  readonly items: Set<Item>;
}

/** The path of a source: the names of its groups, outermost first, then its own name. */
export type SourcePath = readonly string[];

/**
 * A queue in which sources, and groups of sources, take turns. A source that adds many items delays only its own.
 *
 * Law: at every level, the branches with items are served in turn, one item each. A branch that becomes busy is last in
 * its round. Items of one source are served in order of arrival.
 * So the k-th item of a source waits for at most k * n1 * n2 * ... items. n1, n2, ... count the busy branches at each
 * level of its path. All paths have the same length.
 */
export class FairQueue<Item> {
  readonly #root = newBranch<Item>();

  get size(): number {
    return this.#root.size;
  }

  add(path: SourcePath, item: Item): void {
    let branch = this.#root;
    branch.size += 1;
    for (const name of path) {
      const next = branch.branches.get(name) ?? newBranch<Item>();
      branch.branches.set(name, next);
      branch = next;
      branch.size += 1;
    }
    branch.items.add(item);
  }

  /** Removes and returns the next item; undefined: the queue is empty. */
  next(): Item | undefined {
    return this.size === 0 ? undefined : removeNext(this.#root);
  }

  /** Removes an item. Returns false if it was not queued. */
  remove(path: SourcePath, item: Item): boolean {
    return removeAt(this.#root, path, item);
  }

  /**
   * Removes and returns the newest item of the largest source. Makes room for an item that was added at `path`.
   *
   * It chooses the largest group first, then the largest branch in it. Of equal branches it prefers the one on `path`,
   * so an item displaces only a source with more items. Otherwise it chooses the branch whose turn is last.
   */
  evictFor(path: SourcePath): Item | undefined {
    const chosen: string[] = [];
    let branch = this.#root;
    while (branch.branches.size > 0) {
      const isOwn = chosen.every((name, depth) => name === path[depth]);
      const [name, largest] = largestOf(branch, isOwn ? path[chosen.length] : undefined);
      chosen.push(name);
      branch = largest;
    }
    const newest = [...branch.items].at(-1);
    if (newest !== undefined) this.remove(chosen, newest);
    return newest;
  }
}

function newBranch<Item>(): Branch<Item> {
  return { size: 0, branches: new Map(), items: new Set() };
}

function removeNext<Item>(branch: Branch<Item>): Item | undefined {
  branch.size -= 1;
  for (const [name, first] of branch.branches) {
    branch.branches.delete(name);
    const item = removeNext(first);
    if (first.size > 0) branch.branches.set(name, first);
    return item;
  }
  const [item] = branch.items;
  if (item !== undefined) branch.items.delete(item);
  return item;
}

function removeAt<Item>(branch: Branch<Item>, [name, ...rest]: SourcePath, item: Item): boolean {
  if (name === undefined) {
    if (!branch.items.delete(item)) return false;
  } else {
    const next = branch.branches.get(name);
    if (next === undefined || !removeAt(next, rest, item)) return false;
    if (next.size === 0) branch.branches.delete(name);
  }
  branch.size -= 1;
  return true;
}

function largestOf<Item>({ branches }: Branch<Item>, preferred: string | undefined): [string, Branch<Item>] {
  let largest: [string, Branch<Item>] | undefined;
  for (const other of branches) {
    const difference = other[1].size - (largest?.[1].size ?? 0);
    if (difference > 0 || (difference === 0 && largest?.[0] !== preferred)) largest = other;
  }
  if (largest === undefined) throw new RangeError('the branch is empty');
  return largest;
}
