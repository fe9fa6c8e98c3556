import type { Cluster } from 'ioredis';
import type { Clock } from '../../validator/clock.ts';
import type { RedisClient } from './connection.ts';
import type { Script } from './script.ts';

export interface ScriptRunnerOptions {
  readonly client: RedisClient;
  /** Redis refuses to run a script that arrives later than this; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Maximum age of a clock reading before it is refreshed, to detect that Redis's clock was set; milliseconds. */
const CLOCK_AGE_MS = 1_000;

/** A reading of Redis's clock, with the local monotonic time at which TIME was sent. */
interface ClockReading {
  readonly monotonic: number;
  readonly redisMs: number;
}

/**
 * Runs scripts on one connection. Each carries a deadline by the clock of Redis (`deadline.lua`). A frozen Redis runs
 * its buffered commands when it resumes; the deadline makes them do nothing.
 *
 * A reading is dated to when TIME was sent, so a script may run up to one round trip after its deadline.
 */
export class ScriptRunner {
  readonly #options: ScriptRunnerOptions;
  #reading: ClockReading | undefined;
  #asking: Promise<ClockReading> | undefined;

  constructor(options: ScriptRunnerOptions) {
    this.#options = options;
    // The next connection may reach another Redis with another clock.
    options.client.on('close', () => {
      this.#reading = undefined;
    });
  }

  /** Throws if Redis refused the script as late (it changed nothing) or the reply was lost (it may have run). */
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
      if (remainingMs <= 0) throw new Error('Redis refused a script that arrived after its deadline');
      // Still in time by the monotonic clock: Redis's clock was set forward, or is ahead of another cluster node's.
      if (!client.isCluster) this.#reading = { monotonic: clock.monotonic(), redisMs };
      return script.run(client, keys, [...args, redisMs + Math.ceil(remainingMs)]);
    }
  }

  /** Reads the clock of Redis. Concurrent callers share one TIME. */
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
 * In a cluster, uses the time of the node that is furthest behind, so that no node runs a script too late. A node that
 * is ahead refuses the script and reports its own time. Nodes that do not answer are ignored.
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

/** Redis's time when it refused a late script; undefined for any other error. */
function refusedAt(error: unknown): number | undefined {
  const text = error instanceof Error ? /^LATE (\d+)/.exec(error.message)?.[1] : undefined;
  return text === undefined ? undefined : Number(text);
}
