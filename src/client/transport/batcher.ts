import { status } from '@grpc/grpc-js';
import type { Clock } from '../../validator/clock.ts';
import { LatchkeyError } from './errors.ts';

export interface BatcherOptions<Requirements, Answer> {
  /** Validates all tokens in one call. Must return one answer for each token, in the same order. */
  readonly ask: (
    tokens: readonly string[],
    requirements: Requirements,
    timeoutMs: number,
  ) => Promise<readonly Answer[]>;
  /** Maximum number of concurrent calls. */
  readonly maxConcurrent: number;
  /** Maximum number of concurrent calls that are younger than `SLOW_AFTER_MS`. */
  readonly maxConcurrentYoung: number;
  /** Called with a promise that resolves once every token has its answer. */
  readonly track: (work: Promise<void>) => void;
  /** Maximum total wait of a token for its answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

interface Question<Answer> {
  readonly token: string;
  /** By the monotonic clock, in milliseconds. */
  readonly askedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<Requirements, Answer> {
  readonly requirements: Requirements;
  questions: Question<Answer>[];
}

/**
 * For so long, in milliseconds, tokens wait for the call in progress, since large batches are cheap. After that a
 * further call may start: a slow one, for example one that waits for a revision, does not delay the rest.
 */
const SLOW_AFTER_MS = 5;
/** The service's limits for BatchValidate. */
const MAX_TOKENS = 256;
const MAX_BYTES = 256 * 1024;

/**
 * Combines tokens with the same requirements into one call. While the maximum number of calls is in progress, tokens
 * wait. So batches grow with the load.
 */
export class Batcher<Requirements, Answer> {
  readonly #options: BatcherOptions<Requirements, Answer>;
  readonly #queues = new Map<string, Queue<Requirements, Answer>>();
  #inProgress = 0;
  #young = 0;
  #isScheduled = false;
  /** Resolves when no token is waiting. Undefined: none is. */
  #work: PromiseWithResolvers<void> | undefined;

  constructor(options: BatcherOptions<Requirements, Answer>) {
    this.#options = options;
  }

  /** @param key identifies the requirements: tokens with the same key share a call. */
  ask(token: string, key: string, requirements: Requirements): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#work === undefined) {
        this.#work = Promise.withResolvers();
        this.#options.track(this.#work.promise);
      }
      const askedAt = this.#options.clock.monotonic();
      this.#queueOf(key, requirements).questions.push({ token, askedAt, resolve, reject });
      this.#schedule();
    });
  }

  #queueOf(key: string, requirements: Requirements): Queue<Requirements, Answer> {
    const known = this.#queues.get(key);
    if (known !== undefined) return known;
    const queue: Queue<Requirements, Answer> = { requirements, questions: [] };
    this.#queues.set(key, queue);
    return queue;
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
    const { maxConcurrent, maxConcurrentYoung } = this.#options;
    for (const [key, queue] of this.#queues) {
      if (this.#inProgress >= maxConcurrent || this.#young >= maxConcurrentYoung) return;
      this.#queues.delete(key);
      const batch = takeBatch(queue);
      // The rest goes behind the queues of other requirements, so that each gets its turn.
      if (queue.questions.length > 0) this.#queues.set(key, queue);
      void this.#send(batch, key, queue.requirements);
    }
  }

  async #send(batch: readonly Question<Answer>[], key: string, requirements: Requirements): Promise<void> {
    this.#inProgress += 1;
    this.#young += 1;
    let isYoung = true;
    const age = () => {
      if (isYoung) this.#young -= 1;
      isYoung = false;
      this.#flush();
    };
    const timer = setTimeout(age, SLOW_AFTER_MS);
    await this.#answer(batch, key, requirements);
    clearTimeout(timer);
    this.#inProgress -= 1;
    age();
    if (this.#inProgress === 0) {
      this.#work?.resolve();
      this.#work = undefined;
    }
  }

  async #answer(batch: readonly Question<Answer>[], key: string, requirements: Requirements): Promise<void> {
    const { ask, clock, timeoutMs } = this.#options;
    const now = clock.monotonic();
    const questions = batch.filter(({ askedAt, reject }) => {
      if (now - askedAt < timeoutMs) return true;
      reject(new LatchkeyError(status.DEADLINE_EXCEEDED, 'Too many tokens are waiting for validation.'));
      return false;
    });
    const [oldest] = questions;
    if (oldest === undefined) return;
    try {
      const tokens = questions.map(({ token }) => token);
      const answers = await ask(tokens, requirements, timeoutMs - (now - oldest.askedAt));
      for (const [index, { resolve }] of questions.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      // The deadline was that of the oldest token. Younger ones have time left, and are sent again.
      const isLate = error instanceof LatchkeyError && error.code === status.DEADLINE_EXCEEDED;
      const failedAt = clock.monotonic();
      const hasTime = ({ askedAt }: Question<Answer>) =>
        isLate && askedAt > oldest.askedAt && failedAt - askedAt < timeoutMs;
      for (const question of questions) if (!hasTime(question)) question.reject(error);
      const again = questions.filter(hasTime);
      if (again.length > 0) this.#queueOf(key, requirements).questions.unshift(...again);
    }
  }
}

/** Takes as many tokens from the front as fit into one call, at least one. */
function takeBatch<Requirements, Answer>(queue: Queue<Requirements, Answer>): readonly Question<Answer>[] {
  let count = 0;
  let bytes = 0;
  for (const { token } of queue.questions) {
    bytes += Buffer.byteLength(token);
    if (count === MAX_TOKENS || (count > 0 && bytes > MAX_BYTES)) break;
    count += 1;
  }
  const batch = queue.questions.slice(0, count);
  queue.questions = queue.questions.slice(count);
  return batch;
}
