/** A watcher whose session or ticket can be read again. */
export interface Rereadable {
  readonly isClosed: boolean;
  /** Fails with STORE_UNAVAILABLE. */
  read(): Promise<void>;
}

/** Reads in progress at a time, so that many watchers do not delay refreshes and sign-ins. */
const READS_AT_ONCE = 64;

/** Pause of all reads after one has failed, because the store is probably unavailable; milliseconds. */
const RETRY_MS = 1_000;

/** Reads for watchers again, a bounded number at a time. Repeats each read until it succeeds. */
export class Rereads<Watcher extends Rereadable> {
  readonly #due = new Set<Watcher>();
  #inProgress = 0;
  #retry: NodeJS.Timeout | undefined;

  add(watcher: Watcher): void {
    this.#due.add(watcher);
    this.#next();
  }

  delete(watcher: Watcher): void {
    this.#due.delete(watcher);
  }

  #next(): void {
    for (const watcher of this.#due) {
      if (this.#retry !== undefined || this.#inProgress >= READS_AT_ONCE) return;
      this.#due.delete(watcher);
      void this.#read(watcher);
    }
  }

  async #read(watcher: Watcher): Promise<void> {
    this.#inProgress += 1;
    try {
      await watcher.read();
    } catch {
      if (!watcher.isClosed) this.#due.add(watcher);
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#next();
      }, RETRY_MS).unref();
    } finally {
      this.#inProgress -= 1;
      this.#next();
    }
  }
}
