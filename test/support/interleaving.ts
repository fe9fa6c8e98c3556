import { AsyncLocalStorage } from 'node:async_hooks';

/** Something that takes steps. It waits before each one until it is its turn. */
interface Participant {
  waiting: PromiseWithResolvers<void> | undefined;
  /** Resolved when it waits for its next turn, or is done. */
  paused: PromiseWithResolvers<void>;
  isDone: boolean;
}

/** Runs asynchronous work of several participants step by step, in one order of all that are possible. */
export class Interleaving {
  readonly #current = new AsyncLocalStorage<Participant>();
  readonly #choices: readonly number[];
  /** Which of the waiting participants took each step, and of how many. */
  readonly #taken: { readonly choice: number; readonly of: number }[] = [];

  private constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  /** Tries every order of the steps. Returns how many there are. */
  static async inEveryOrder(attempt: (order: Interleaving) => Promise<void>): Promise<number> {
    let choices: readonly number[] | undefined = [];
    let count = 0;
    while (choices !== undefined) {
      const order: Interleaving = new Interleaving(choices);
      await attempt(order);
      count += 1;
      choices = order.#next();
    }
    return count;
  }

  /** The order, for messages: the index of the participant among those that waited. */
  get name(): string {
    return this.#taken.map(({ choice }) => choice).join('');
  }

  /** A step. Waits for the turn of its participant; runs at once where there is none. */
  async step<Result>(work: () => Promise<Result>): Promise<Result> {
    const participant = this.#current.getStore();
    if (participant !== undefined) {
      participant.waiting = Promise.withResolvers();
      participant.paused.resolve();
      await participant.waiting.promise;
    }
    return work();
  }

  /** Runs the participants to their ends, one step at a time. Their outcomes are in the same order. */
  async run<Outcome>(works: readonly (() => Promise<Outcome>)[]): Promise<readonly Outcome[]> {
    const all: Participant[] = [];
    const outcomes: Promise<Outcome>[] = [];
    for (const work of works) {
      const participant = { waiting: undefined, paused: Promise.withResolvers<void>(), isDone: false };
      all.push(participant);
      const done = () => {
        participant.isDone = true;
        participant.paused.resolve();
      };
      const outcome = this.#current.run(participant, work);
      outcome.then(done, done);
      outcomes.push(outcome);
      await participant.paused.promise;
    }
    for (;;) {
      const waiting = all.filter(({ isDone }) => !isDone);
      const chosen = this.#choose(waiting);
      if (chosen === undefined) return Promise.all(outcomes);
      chosen.paused = Promise.withResolvers();
      chosen.waiting?.resolve();
      await chosen.paused.promise;
    }
  }

  #choose(waiting: readonly Participant[]): Participant | undefined {
    if (waiting.length === 0) return undefined;
    const choice = this.#choices[this.#taken.length] ?? 0;
    this.#taken.push({ choice, of: waiting.length });
    return waiting[choice];
  }

  /** The choices of the next order; undefined: this was the last one. */
  #next(): readonly number[] | undefined {
    const at = this.#taken.findLastIndex(({ choice, of }) => choice + 1 < of);
    if (at < 0) return undefined;
    const before = this.#taken.slice(0, at).map(({ choice }) => choice);
    return [...before, (this.#taken[at]?.choice ?? 0) + 1];
  }
}
