/** One source of items, or a group of sources. */
interface Branch<Item> {
  /** Items in it and in the branches below it. */
  size: number;
  /** By name, in the order of their turns. */
  readonly branches: Map<string, Branch<Item>>;
  /** In the order of their arrival. */
  readonly items: Set<Item>;
}

/** Where an item comes from: the names of the groups its source is in, the widest first, and of the source itself. */
export type SourcePath = readonly string[];

/**
 * A queue in which sources take turns, and groups of sources too. A source that adds many items delays only its own.
 *
 * Law: at every level the branches that hold items are served in turn, one item each; a branch that becomes busy is
 * last in its round. Items of one source are served in the order of their arrival. So the k-th item of a source waits
 * for at most k * n1 * n2 * ... items, where n1, n2, ... count the busy branches at each level of its path.
 * All paths have the same length.
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

  /** Removes and returns the item whose turn it is; undefined: the queue is empty. */
  next(): Item | undefined {
    return this.size === 0 ? undefined : removeNext(this.#root);
  }

  /** Removes an item; false: it was not there. */
  remove(path: SourcePath, item: Item): boolean {
    return removeAt(this.#root, path, item);
  }

  /**
   * Removes and returns the newest item of the largest source, to make room for one that was added at `path`. The largest
   * group is chosen first, then the largest branch in it. Of equal branches it chooses the one on `path`, so that a
   * newcomer displaces only a source that has more items; otherwise the one whose turn is last.
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
