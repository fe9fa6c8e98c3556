import { status } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { LatchkeyError } from './errors.ts';

export interface BatcherOptions<Demand, Answer> {
  /** Asks about all of the tokens in one call. Answers as many, in the same order. */
  readonly ask: (tokens: readonly string[], demand: Demand, timeoutMs: number) => Promise<readonly Answer[]>;
  /** How many calls are under way at most. */
  readonly mostUnderWay: number;
  /** How long a token may wait for its answer in all, milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

interface Question<Answer> {
  readonly token: string;
  /** By the steady clock. */
  readonly askedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<Demand, Answer> {
  readonly demand: Demand;
  questions: Question<Answer>[];
}

/** The bounds of BatchValidate. */
const MOST_TOKENS = 256;
const MOST_BYTES = 256 * 1024;

/**
 * Puts the questions of one turn of the event loop into one call, those with the same demand. While enough calls are
 * under way, questions gather for the next: the busier the connection, the larger the batches.
 */
export class Batcher<Demand, Answer> {
  readonly #options: BatcherOptions<Demand, Answer>;
  readonly #queues = new Map<string, Queue<Demand, Answer>>();
  #underWay = 0;
  #isScheduled = false;

  constructor(options: BatcherOptions<Demand, Answer>) {
    this.#options = options;
  }

  /** @param key what distinguishes the demand: questions with equal ones travel together. */
  ask(token: string, key: string, demand: Demand): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let queue = this.#queues.get(key);
      if (queue === undefined) {
        queue = { demand, questions: [] };
        this.#queues.set(key, queue);
      }
      queue.questions.push({ token, askedAt: this.#options.clock.monotonic(), resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    for (const [key, queue] of this.#queues) {
      if (this.#underWay >= this.#options.mostUnderWay) return;
      this.#queues.delete(key);
      const batch = takeBatch(queue);
      // What is left stands behind the other demands.
      if (queue.questions.length > 0) this.#queues.set(key, queue);
      void this.#send(batch, queue.demand);
    }
  }

  async #send(batch: readonly Question<Answer>[], demand: Demand): Promise<void> {
    const { ask, clock, timeoutMs } = this.#options;
    const now = clock.monotonic();
    const questions = batch.filter(({ askedAt, reject }) => {
      if (now - askedAt < timeoutMs) return true;
      reject(new LatchkeyError(status.DEADLINE_EXCEEDED, 'Too many tokens wait to be validated.'));
      return false;
    });
    const [oldest] = questions;
    if (oldest === undefined) return;
    this.#underWay += 1;
    try {
      const tokens = questions.map(({ token }) => token);
      const answers = await ask(tokens, demand, timeoutMs - (now - oldest.askedAt));
      for (const [index, { resolve }] of questions.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of questions) reject(error);
    } finally {
      this.#underWay -= 1;
      this.#flush();
    }
  }
}

/** As many from the front as fit into one call: one at least. */
function takeBatch<Demand, Answer>(queue: Queue<Demand, Answer>): readonly Question<Answer>[] {
  let count = 0;
  let bytes = 0;
  for (const { token } of queue.questions) {
    bytes += Buffer.byteLength(token);
    if (count === MOST_TOKENS || (count > 0 && bytes > MOST_BYTES)) break;
    count += 1;
  }
  const batch = queue.questions.slice(0, count);
  queue.questions = queue.questions.slice(count);
  return batch;
}
