import type { Redis } from 'ioredis';
import type { RedisAddress } from '../../src/adapters/redis/connection.ts';
import { eventually } from './eventually.ts';
import { freePort, RedisServer } from './redis-server.ts';

const SLOTS = 16_384;
/** A node's cluster bus uses a separate port. By default Redis would add 10,000 to the other one. */
const clusterFlags = async () => ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())];

/** A real Redis Cluster of three masters. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let count = 0; count < 3; count += 1) nodes.push(await RedisServer.start(...(await clusterFlags())));
    const cluster = new RedisCluster(nodes);
    try {
      await cluster.#join();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get address(): RedisAddress {
    return {
      kind: 'cluster',
      tls: false,
      nodes: this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    };
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  async flush(): Promise<void> {
    for (const node of this.nodes) await node.with((redis) => redis.flushall());
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
  }

  async #join(): Promise<void> {
    const [first] = this.nodes;
    for (const [index, node] of this.nodes.entries()) {
      await node.with(async (redis) => {
        const from = Math.floor((SLOTS * index) / this.nodes.length);
        const until = Math.floor((SLOTS * (index + 1)) / this.nodes.length) - 1;
        await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, until);
        await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
        if (first === undefined || node === first) return;
        const bus = await first.with((other) => busPort(other));
        await redis.call('CLUSTER', 'MEET', '127.0.0.1', first.port, bus);
      });
    }
    for (const node of this.nodes) {
      await eventually(() => node.with(async (redis) => allSlotsKnown(redis, this.nodes.length)), 20_000);
    }
  }
}

async function busPort(redis: Redis): Promise<number> {
  const own = (await redis.cluster('NODES')) as string;
  return Number(/@(\d+)/.exec(own)?.[1]);
}

async function allSlotsKnown(redis: Redis, size: number): Promise<boolean> {
  const info = String(await redis.cluster('INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`);
}
