import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RedisAddress } from '../../src/adapters/redis/connection.ts';
import { userKeys } from '../../src/adapters/redis/keys.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { freePort, RedisServer } from '../support/redis-server.ts';
import { RedisStores } from '../support/redis-stores.ts';
import { aSession, DAY } from '../support/sessions.ts';

/** Two masters with half of the slots each. Only the first has a replica, so an end shows which one was used. */

const HALVES = [
  [0, 8_191],
  [8_192, 16_383],
] as const;

const nodes: RedisServer[] = [];
let stores: RedisStores;

const startNode = async () => {
  const bus = await freePort();
  const node = await RedisServer.start('--cluster-enabled', 'yes', '--cluster-port', String(bus));
  nodes.push(node);
  return { node, bus };
};

beforeAll(async () => {
  const [first, second, replica] = [await startNode(), await startNode(), await startNode()];
  for (const [index, { node }] of [first, second].entries()) {
    await node.with(async (redis) => {
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', ...(HALVES[index] ?? []));
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    });
  }
  const id = await first.node.with((redis) => redis.call('CLUSTER', 'MYID'));
  for (const { node } of [second, replica]) {
    await node.with((redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', first.node.port, first.bus));
  }
  const works = (node: RedisServer) =>
    node.with(async (redis) => {
      const info = String(await redis.cluster('INFO'));
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
    });
  for (const node of nodes) await eventually(() => works(node), 20_000);
  await replica.node.with((redis) => redis.call('CLUSTER', 'REPLICATE', String(id)));
  await eventually(
    () =>
      first.node.with(async (redis) => {
        await redis.wait(1, 20);
        return /state=online,offset=[1-9]/.test(await redis.info('replication'));
      }),
    20_000,
  );
  const address: RedisAddress = {
    ...{ kind: 'cluster', tls: false },
    nodes: [{ host: '127.0.0.1', port: first.node.port }],
  };
  stores = await RedisStores.open(address, { durability: { waitReplicas: 1, waitMs: 300 } });
}, 60_000);

afterAll(async () => {
  stores.close();
  for (const node of nodes) await node.stop();
});

test('in a cluster, WAIT counts the replicas of the node that stores the session', async () => {
  const now = Date.now();
  const [first] = nodes;
  for (let count = 0; count < 12; count += 1) {
    const { userId, sessionId } = aSession(now);
    const end = stores.sessions.end({ userId, sessionId, reason: 'LOGGED_OUT', tombstoneTtlMs: DAY, now });
    const outcome = await outcomeOf(end);
    const isOnFirst = await first?.with(async (redis) =>
      (await redis.keys('*')).join().includes(userKeys(userId).tombstonePrefix),
    );
    expect(outcome).toBe(isOnFirst === true ? 'ok' : 'END_UNCONFIRMED');
  }
});
