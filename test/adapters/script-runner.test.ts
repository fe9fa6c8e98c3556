import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { RedisClient } from '../../src/adapters/redis/connection.ts';
import { Script } from '../../src/adapters/redis/script.ts';
import { ScriptRunner } from '../../src/adapters/redis/script-runner.ts';

const DEADLINE_MS = 500;

/** A Redis whose clock can be set. It answers TIME, and runs or refuses a script as `deadline.lua` does. */
class RedisWithClock extends EventEmitter {
  monotonic = 1_000;
  redisMs = 1_700_000_000_000;
  /** How long a command takes to arrive; milliseconds. */
  delayMs = 0;
  ran = 0;

  advance(ms: number): void {
    this.monotonic += ms;
    this.redisMs += ms;
  }

  async time(): Promise<[number, number]> {
    return [Math.floor(this.redisMs / 1_000), (this.redisMs % 1_000) * 1_000];
  }

  async evalsha(...args: readonly unknown[]): Promise<string> {
    this.advance(this.delayMs);
    if (this.redisMs > Number(args.at(-1))) throw new Error(`LATE ${this.redisMs}`);
    this.ran += 1;
    return 'ran';
  }
}

function runnerOn(redis: RedisWithClock): () => Promise<unknown> {
  const client = redis as unknown as RedisClient;
  const runner = new ScriptRunner({
    client,
    deadlineMs: DEADLINE_MS,
    clock: { monotonic: () => redis.monotonic },
  });
  const script = new Script('read');
  return () => runner.run(script, ['key'], ['argument']);
}

describe('a script with a deadline', () => {
  test('runs regardless of the difference between the clocks', async () => {
    const redis = new RedisWithClock();
    redis.redisMs = 0;
    expect(await runnerOn(redis)()).toBe('ran');
  });

  test('is refused after its deadline, and is not sent again', async () => {
    const redis = new RedisWithClock();
    const run = runnerOn(redis);
    await run();
    redis.delayMs = DEADLINE_MS + 1;
    await expect(run()).rejects.toThrow('after its deadline');
    expect(redis.ran).toBe(1);
  });

  test('runs in time if the clock of Redis was set forward', async () => {
    const redis = new RedisWithClock();
    const run = runnerOn(redis);
    await run();
    redis.redisMs += 3_600_000;
    expect(await run()).toBe('ran');
    expect(redis.ran).toBe(2);
  });

  test('is refused when late, a second after the clock of Redis was set back', async () => {
    const redis = new RedisWithClock();
    const run = runnerOn(redis);
    await run();
    redis.redisMs -= 3_600_000;
    redis.advance(1_001);
    await run();
    redis.delayMs = DEADLINE_MS + 1;
    await expect(run()).rejects.toThrow('after its deadline');
  });

  test('reads the clock again after a reconnect', async () => {
    const redis = new RedisWithClock();
    const run = runnerOn(redis);
    await run();
    redis.emit('close');
    redis.redisMs -= 3_600_000;
    await run();
    redis.delayMs = DEADLINE_MS + 1;
    await expect(run()).rejects.toThrow('after its deadline');
  });
});

/** Two nodes with separate clocks. All keys are on one of them. */
class ClusterWithClocks extends RedisWithClock {
  readonly isCluster = true;
  readonly other = new RedisWithClock();
  nodes: () => readonly RedisWithClock[] = () => [];

  /** The time of the addressed node, here never that of the keys. */
  override time(): Promise<[number, number]> {
    return this.other.time();
  }
}

describe('a script in a cluster', () => {
  /** @param aheadMs how far the clock of the node of the keys is ahead of the other one. */
  const clusterWhere = (aheadMs: number) => {
    const cluster = new ClusterWithClocks();
    const node = new RedisWithClock();
    node.redisMs = cluster.redisMs + aheadMs;
    cluster.redisMs = node.redisMs;
    cluster.nodes = () => [node, cluster.other];
    return { cluster, run: runnerOn(cluster) };
  };

  test('is refused when late by a node whose clock is behind', async () => {
    const { cluster, run } = clusterWhere(-3_600_000);
    await run();
    cluster.delayMs = DEADLINE_MS + 1;
    await expect(run()).rejects.toThrow('after its deadline');
  });

  test('runs on a node whose clock is ahead, and is refused there when late', async () => {
    const { cluster, run } = clusterWhere(3_600_000);
    expect(await run()).toBe('ran');
    cluster.delayMs = DEADLINE_MS + 1;
    await expect(run()).rejects.toThrow('after its deadline');
  });
});
