/** Runs one task at a time per key, in order of arrival. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<void>>();

  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const running = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const over = running.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, over);
    try {
      return await running;
    } finally {
      if (this.#last.get(key) === over) this.#last.delete(key);
    }
  }
}
