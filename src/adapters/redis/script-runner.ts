import type { Cluster } from 'ioredis';
import type { Clock } from '../../core/clock.ts';
import type { RedisClient } from './connection.ts';
import type { Script } from './script.ts';

export interface ScriptRunnerOptions {
  readonly client: RedisClient;
  /** Redis refuses to run a script that reaches it later than this; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** How old a reading of Redis's clock may be before it is read again, to notice that it was set; milliseconds. */
const CLOCK_AGE_MS = 1_000;

/** When the clock of Redis was read, and what it said. */
interface ClockReading {
  readonly monotonic: number;
  readonly redisMs: number;
}

/**
 * Runs scripts on one connection, each with a deadline by the clock of Redis (`deadline.lua`). A Redis that was frozen
 * runs its buffered commands when it resumes; the deadline makes them do nothing.
 *
 * A reading counts from when TIME was sent, so a script may run up to one round trip after its deadline.
 */
export class ScriptRunner {
  readonly #options: ScriptRunnerOptions;
  #reading: ClockReading | undefined;
  #asking: Promise<ClockReading> | undefined;

  constructor(options: ScriptRunnerOptions) {
    this.#options = options;
    // The next connection may lead to another Redis, with another clock.
    options.client.on('close', () => {
      this.#reading = undefined;
    });
  }

  /** Fails if the script was refused as late, and changed nothing, or if its answer was lost: then it may have run. */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { client, clock, deadlineMs } = this.#options;
    const sentAt = clock.monotonic();
    const reading = this.#reading ?? (await this.#readClock());
    if (sentAt - reading.monotonic > CLOCK_AGE_MS) this.#readClock().catch(() => undefined);
    try {
      return await script.run(client, keys, [...args, redisTime(reading, sentAt + deadlineMs)]);
    } catch (error) {
      const redisMs = refusedAt(error);
      if (redisMs === undefined) throw error;
      const remainingMs = sentAt + deadlineMs - clock.monotonic();
      if (remainingMs <= 0) throw new Error('Redis refused a script that came after its deadline');
      // In time by the steady clock: the clock of Redis was set forward, or is ahead of another node of the cluster.
      if (!client.isCluster) this.#reading = { monotonic: clock.monotonic(), redisMs };
      return script.run(client, keys, [...args, redisMs + Math.ceil(remainingMs)]);
    }
  }

  /** Reads the clock of Redis; concurrent callers share one TIME. */
  #readClock(): Promise<ClockReading> {
    this.#asking ??= this.#askClock().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askClock(): Promise<ClockReading> {
    const askedAt = this.#options.clock.monotonic();
    const redisMs = await earliestTime(this.#options.client);
    this.#reading = { monotonic: askedAt, redisMs };
    return this.#reading;
  }
}

/**
 * In a cluster the time of the node that is furthest behind, so that no node runs a script too late: one that is ahead
 * refuses and says its own time. A node that does not answer is left out.
 */
async function earliestTime(client: RedisClient): Promise<number> {
  const one = client.time();
  if (!client.isCluster) return milliseconds(await one);
  const nodes = (client as Cluster).nodes('master').map((node) => node.time());
  const answers = await Promise.allSettled([one, ...nodes]);
  const times = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? milliseconds(answer.value) : [],
  );
  return times.length === 0 ? milliseconds(await one) : Math.min(...times);
}

function milliseconds([seconds, microseconds]: readonly unknown[]): number {
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

function redisTime(reading: ClockReading, monotonic: number): number {
  return Math.ceil(reading.redisMs + monotonic - reading.monotonic);
}

/** The time by Redis's clock at which it refused a late script; undefined: another error. */
function refusedAt(error: unknown): number | undefined {
  const text = error instanceof Error ? /^LATE (\d+)/.exec(error.message)?.[1] : undefined;
  return text === undefined ? undefined : Number(text);
}
