type Close = () => void | Promise<void>;

/** What was opened, to be closed in reverse. */
export class Closers {
  readonly #closers: Close[] = [];

  /** To be called on the line after something was opened. */
  add(close: Close): void {
    this.#closers.push(close);
  }

  /** Closes everything, the last opened first, whatever one of them does; then fails with the first fault. */
  async close(): Promise<void> {
    const faults: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }
}
