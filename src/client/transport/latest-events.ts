import { calledAs } from './caller-stack.ts';
import type { LatchkeyError } from './errors.ts';
import type { SessionEvent } from './session-events.ts';

/** Passes the events of a watch to its iterator. Of the events that were not taken, only the latest one is kept. */
export class LatestEvents {
  /** Not taken yet. */
  #waiting: SessionEvent | undefined;
  /** The latest event, taken or not. */
  #latest: SessionEvent | undefined;
  #failure: LatchkeyError | undefined;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ignores an event that says nothing new. Nothing follows `ended`. */
  put(event: SessionEvent): void {
    if (this.#isOver || isSame(event, this.#latest)) return;
    this.#waiting = event;
    this.#latest = event;
    if (event.kind === 'ended') this.end();
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
  async take(): Promise<IteratorResult<SessionEvent>> {
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
export function watchIterator(
  take: () => Promise<IteratorResult<SessionEvent>>,
  close: () => void,
): AsyncIterator<SessionEvent> {
  return {
    next: () => calledAs('WatchSession', take()),
    return: async () => {
      close();
      return { done: true, value: undefined };
    },
  };
}

/** Whether the event says nothing new. Two interruptions in a row are one. */
function isSame(event: SessionEvent, latest: SessionEvent | undefined): boolean {
  if (event.kind !== latest?.kind) return false;
  if (event.kind !== 'alive' || latest.kind !== 'alive') return true;
  return (
    event.idleDeadline.getTime() === latest.idleDeadline.getTime() &&
    event.absoluteDeadline.getTime() === latest.absoluteDeadline.getTime()
  );
}
