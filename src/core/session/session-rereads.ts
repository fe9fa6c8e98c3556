import type { SessionWatcher } from './session-watcher.ts';

/** Reads in progress at a time, so that many watchers do not delay refreshes and sign-ins. */
const READS_AT_ONCE = 64;

/** Pause of all reads after one has failed, because the store is probably unavailable; milliseconds. */
const RETRY_MS = 1_000;

/** Reads the sessions of watchers again, a bounded number at a time. Repeats each read until it succeeds. */
export class SessionRereads {
  readonly #due = new Set<SessionWatcher>();
  #inProgress = 0;
  #retry: NodeJS.Timeout | undefined;

  add(watcher: SessionWatcher): void {
    this.#due.add(watcher);
    this.#next();
  }

  delete(watcher: SessionWatcher): void {
    this.#due.delete(watcher);
  }

  #next(): void {
    for (const watcher of this.#due) {
      if (this.#retry !== undefined || this.#inProgress >= READS_AT_ONCE) return;
      this.#due.delete(watcher);
      void this.#read(watcher);
    }
  }

  async #read(watcher: SessionWatcher): Promise<void> {
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
