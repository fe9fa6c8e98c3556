import { calledAs } from './caller-stack.ts';
import type { LatchkeyError } from './errors.ts';

interface EventRules<Event> {
  /** Whether nothing follows the event. */
  readonly isLast: (event: Event) => boolean;
  /** Whether the event says nothing new after the latest one. */
  readonly isSame: (event: Event, latest: Event) => boolean;
}

/** Passes the events of a watch to its iterator. Of the events that were not taken, only the latest one is kept. */
export class LatestEvents<Event> {
  readonly #rules: EventRules<Event>;
  /** Not taken yet. */
  #waiting: Event | undefined;
  /** The latest event, taken or not. */
  #latest: Event | undefined;
  #failure: LatchkeyError | undefined;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  constructor(rules: EventRules<Event>) {
    this.#rules = rules;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ignores an event that says nothing new. */
  put(event: Event): void {
    const { isLast, isSame } = this.#rules;
    if (this.#isOver || (this.#latest !== undefined && isSame(event, this.#latest))) return;
    this.#waiting = event;
    this.#latest = event;
    if (isLast(event)) this.end();
    else this.#changed.resolve();
  }

  /** @param failure what `take` fails with, once no event waits. Default: the events end without a failure. */
  end(failure?: LatchkeyError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#changed.resolve();
  }

  /** Waits for the next event, or for the end. */
  async take(): Promise<IteratorResult<Event>> {
    while (this.#waiting === undefined && !this.#isOver) {
      await this.#changed.promise;
      if (!this.#isOver) this.#changed = Promise.withResolvers();
    }
    const value = this.#waiting;
    this.#waiting = undefined;
    if (value !== undefined) return { done: false, value };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return { done: true, value: undefined };
  }
}

/** The iterator of a watch. @param take waits for its next event. @param close ends the watch. */
export function watchIterator<Event>(
  method: string,
  take: () => Promise<IteratorResult<Event>>,
  close: () => void,
): AsyncIterator<Event> {
  return {
    next: () => calledAs(method, take()),
    return: async () => {
      close();
      return { done: true, value: undefined };
    },
  };
}
