import { afterAll, beforeAll } from '@jest/globals';
import { sessionStoreLaw } from '../conformance/session-store.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';

let server: RedisServer;
let stores: RedisStores;

beforeAll(async () => {
  server = await RedisServer.start();
  stores = await RedisStores.open(singleRedis(server.port));
});

afterAll(async () => {
  stores.close();
  await server.stop();
});

sessionStoreLaw('Redis', () => stores.sessions);
