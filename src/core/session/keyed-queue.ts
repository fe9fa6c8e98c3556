/** One piece of work at a time for each key, in the order of their arrival. */
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
