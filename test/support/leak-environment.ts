import { setTimeout as wait } from 'node:timers/promises';
import { TestEnvironment } from 'jest-environment-node';

/** How long what a test file closed may take until it is gone; milliseconds. */
const CLOSING_MS = 5_000;
const FAILURES: ReadonlySet<string> = new Set(['test_fn_failure', 'hook_failure']);

/** Fails a test file that leaves a timer, a socket or a process open, and names them. */
export default class LeakEnvironment extends TestEnvironment {
  #before: readonly string[] = [];
  #hasFailed = false;

  override async setup(): Promise<void> {
    await super.setup();
    // The streams of the process are opened at their first use, and are no leak.
    void [process.stdin, process.stdout, process.stderr];
    this.#before = process.getActiveResourcesInfo();
  }

  handleTestEvent({ name }: { readonly name: string }): void {
    this.#hasFailed ||= FAILURES.has(name);
  }

  override async teardown(): Promise<void> {
    // What a failed test leaves open would hide why it failed.
    const left = this.#hasFailed ? [] : await this.#leftAfterClosing();
    await super.teardown();
    if (left.length > 0) {
      throw new Error(`This file leaves open: ${left.join(', ')}. Close them in afterEach or afterAll.`);
    }
  }

  async #leftAfterClosing(): Promise<readonly string[]> {
    const until = performance.now() + CLOSING_MS;
    while (this.#left().length > 0 && performance.now() < until) await wait(10);
    return this.#left();
  }

  /** What keeps the process alive now and did not before. */
  #left(): readonly string[] {
    const before = [...this.#before];
    return process.getActiveResourcesInfo().filter((resource) => {
      const at = before.indexOf(resource);
      if (at >= 0) before.splice(at, 1);
      return at < 0;
    });
  }
}
