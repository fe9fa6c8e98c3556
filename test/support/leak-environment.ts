import { setTimeout as wait } from 'node:timers/promises';
import { TestEnvironment } from 'jest-environment-node';

/** How long what a test file closed may take until it is gone; milliseconds. */
const CLOSING_MS = 5_000;

/** Fails a test file that leaves a timer, a socket or a process open, and names them. */
export default class LeakEnvironment extends TestEnvironment {
  #before: readonly string[] = [];

  override async setup(): Promise<void> {
    await super.setup();
    // The streams of the process are opened at their first use, and are no leak.
    void [process.stdin, process.stdout, process.stderr];
    this.#before = process.getActiveResourcesInfo();
  }

  override async teardown(): Promise<void> {
    const until = performance.now() + CLOSING_MS;
    while (this.#left().length > 0 && performance.now() < until) await wait(10);
    const left = this.#left();
    await super.teardown();
    if (left.length > 0)
      throw new Error(`This file leaves open: ${left.join(', ')}. Close them in afterEach or afterAll.`);
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
