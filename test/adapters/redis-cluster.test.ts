import { afterAll, beforeAll } from '@jest/globals';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { sessionLimitLaw } from '../conformance/session-limit.ts';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { RedisStores } from '../support/redis-stores.ts';

let cluster: RedisCluster;
let stores: RedisStores;

beforeAll(async () => {
  cluster = await RedisCluster.start();
  stores = await RedisStores.open(cluster.address);
}, 60_000);

afterAll(async () => {
  stores.close();
  await cluster.stop();
});

sessionStoreLaw('Redis Cluster', () => stores.sessions);
sessionLimitLaw('Redis Cluster', () => stores.sessions);

revocationLogLaw('Redis Cluster', async () => {
  await cluster.flush();
  const opened = await RedisStores.open(cluster.address);
  return {
    log: opened.log,
    close: async () => opened.close(),
  };
});
