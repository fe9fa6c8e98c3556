import { afterEach, describe, expect, test } from '@jest/globals';
import {
  closeRedis,
  openRedis,
  type RedisAddress,
  type RedisClient,
} from '../../src/adapters/redis/connection.ts';
import { nodesThatDropWrites } from '../../src/adapters/redis/default-user.ts';
import { Closers } from '../../src/app/closers.ts';
import { openSessionStores } from '../../src/app/stores.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { ComposeRedis, composeUsers } from '../support/compose-redis.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryAuditTrail } from '../support/memory-audit.ts';
import { RedisCluster } from '../support/redis-cluster.ts';

const WITHOUT_RIGHTS = composeUsers().replace(/^user default .*$/m, 'user default off');
const closers = new Closers();

afterEach(() => closers.close());

const start = async (users?: string) => {
  const redis = await ComposeRedis.start(users);
  closers.add(() => redis.stop());
  return redis;
};

const connect = async (address: RedisAddress): Promise<RedisClient> => {
  const options = { name: 'test', deadlineMs: 500 };
  const client = await openRedis(address, { ...options, onDown: () => undefined, onUp: () => undefined });
  closers.add(() => closeRedis(client));
  return client;
};

describe('a Redis that drops writes when it loads its append-only file', () => {
  test('is detected by the permissions of its user default, on or off', async () => {
    const redis = await start(WITHOUT_RIGHTS);
    const client = await connect(redis.address);
    const node = `127.0.0.1:${redis.server.port}`;
    expect(await nodesThatDropWrites(client)).toEqual([node]);
    await redis.asTester((it) => it.call('ACL', 'SETUSER', 'default', 'on', 'nopass', '~lk:*', '+@read'));
    expect(await nodesThatDropWrites(client)).toEqual([node]);
  });

  test('is not reported if its user default has all permissions and is off', async () => {
    const { address } = await start();
    expect(await nodesThatDropWrites(await connect(address))).toEqual([]);
  });

  test('is not reported if it has no append-only file', async () => {
    const redis = await start(WITHOUT_RIGHTS);
    await redis.asTester((it) => it.config('SET', 'appendonly', 'no'));
    expect(await nodesThatDropWrites(await connect(redis.address))).toEqual([]);
  });

  test('is not detected if the ACL does not let latchkey check', async () => {
    const { address } = await start(WITHOUT_RIGHTS.replace(' +acl|dryrun', ''));
    expect(await nodesThatDropWrites(await connect(address))).toEqual([]);
  });

  test('is detected among the nodes of a cluster', async () => {
    const cluster = await RedisCluster.start();
    closers.add(() => cluster.stop());
    const [, ...faulty] = cluster.nodes;
    for (const node of cluster.nodes) {
      await node.with(async (redis) => {
        await redis.config('SET', 'appendonly', 'yes');
        await redis.call('ACL', 'SETUSER', 'latchkey', 'on', '>secret', '~*', '&*', '+@all');
        if (faulty.includes(node)) await redis.call('ACL', 'SETUSER', 'default', 'off', '-@all');
      });
    }
    const client = await connect({ ...cluster.address, username: 'latchkey', password: 'secret' });
    const expected = faulty.map(({ port }) => `127.0.0.1:${port}`);
    expect([...(await nodesThatDropWrites(client))].sort()).toEqual(expected.sort());
  }, 60_000);
});

test('a Redis that drops writes when it restarts is reported in one warning, with the remedy', async () => {
  const redis = await start(WITHOUT_RIGHTS);
  const { username, password } = redis.address;
  const url = `redis://${username}:${password}@127.0.0.1:${redis.server.port}`;
  const outcome = readConfig({ LATCHKEY_REDIS_URL: url }, 1);
  if (outcome.kind === 'issues') throw new Error('the configuration is faulty');
  const entries: Record<string, unknown>[] = [];
  const logger = createLogger('debug', { write: (line) => entries.push(JSON.parse(line)) });
  const context = {
    config: outcome.config,
    clock: new ManualClock(),
    logger,
    metrics: new Metrics(),
    closers,
    worker: undefined,
  };
  await openSessionStores(context, new MemoryAuditTrail());
  await eventually(() => entries.length > 0);
  expect(entries).toEqual([
    expect.objectContaining({
      level: 'warn',
      nodes: `127.0.0.1:${redis.server.port}`,
      msg: expect.stringContaining('user default off ~* &* +@all'),
    }),
  ]);
});
