import type { RedisAddress } from '../../src/adapters/redis/connection.ts';
import { eventually } from './eventually.ts';
import { RedisServer } from './redis-server.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A master counts as down after this silence; milliseconds. */
const DOWN_AFTER_MS = 500;

/** A real master with two replicas behind a slow line, and three sentinels that watch it. */
export class RedisSentinels {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  /** The line to the master: from its replicas, the sentinels and their clients. */
  readonly #lines: readonly TcpProxy[];

  private constructor(
    master: RedisServer,
    lines: readonly TcpProxy[],
    replicas: readonly RedisServer[],
    sentinels: readonly RedisServer[],
  ) {
    this.master = master;
    this.#lines = lines;
    this.replicas = replicas;
    this.sentinels = sentinels;
  }

  /** @param delayMs the one-way delay of replication. */
  static async start(delayMs = 20): Promise<RedisSentinels> {
    const master = await RedisServer.start();
    const slow = await TcpProxy.open(master.port, { delayMs });
    const quick = await TcpProxy.open(master.port);
    const replicas = [await RedisServer.startReplica(slow.port), await RedisServer.startReplica(slow.port)];
    const sentinels: RedisServer[] = [];
    for (let count = 0; count < 3; count += 1) sentinels.push(await RedisServer.startSentinel(quick.port));
    const set = new RedisSentinels(master, [slow, quick], replicas, sentinels);
    await set.#agree();
    return set;
  }

  get address(): Extract<RedisAddress, { readonly kind: 'sentinel' }> {
    const sentinels = this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
    return { kind: 'sentinel', tls: false, sentinels, master: 'main', db: 0 };
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`;
  }

  /** Cuts the master off from its replicas, the sentinels and their clients. */
  isolateMaster(): void {
    for (const line of this.#lines) line.silence();
  }

  /** Resolves when both replicas have all data of the master. */
  async following(): Promise<void> {
    for (const replica of this.replicas) await replica.following();
  }

  /** Resolves with the new master when all sentinels name another one than the first. */
  async failedOver(): Promise<RedisServer> {
    let successor: RedisServer | undefined;
    await eventually(async () => {
      const ports = await Promise.all(this.sentinels.map(masterPort));
      successor = this.replicas.find(({ port }) => ports.every((named) => named === port));
      return successor !== undefined;
    }, 20_000);
    if (successor === undefined) throw new Error('no replica was promoted');
    return successor;
  }

  async stop(): Promise<void> {
    for (const sentinel of this.sentinels) await sentinel.stop();
    for (const line of this.#lines) await line.close();
    for (const server of [this.master, ...this.replicas]) await server.stop();
  }

  /** The sentinels find each other and the replicas, and agree by two of three. */
  async #agree(): Promise<void> {
    for (const sentinel of this.sentinels) {
      await sentinel.with(async (redis) => {
        await redis.call('SENTINEL', 'SET', 'main', 'quorum', 2);
        await redis.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', DOWN_AFTER_MS);
        await redis.call('SENTINEL', 'SET', 'main', 'failover-timeout', 5_000);
      });
    }
    for (const sentinel of this.sentinels) {
      await eventually(() => sentinel.with(async (redis) => (await known(redis)) === '2 2'), 20_000);
    }
  }
}

type Caller = { call(command: string, ...args: string[]): Promise<unknown> };

async function known(redis: Caller): Promise<string> {
  const [replicas, others] = await Promise.all(
    ['REPLICAS', 'SENTINELS'].map((what) => redis.call('SENTINEL', what, 'main')),
  );
  return `${(replicas as unknown[]).length} ${(others as unknown[]).length}`;
}

function masterPort(sentinel: RedisServer): Promise<number> {
  return sentinel.with(async (redis) => {
    const [, port] = (await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
    return Number(port);
  });
}
