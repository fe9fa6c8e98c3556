type Close = () => void | Promise<void>;

/** Closes opened resources in reverse order. */
export class Closers {
  readonly #closers: Close[] = [];

  /** Must be called right after the resource is opened. */
  add(close: Close): void {
    this.#closers.push(close);
  }

  /** Closes everything, last opened first, even if one fails. Then rejects with the first error. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
