import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MemorySharedTokenStore } from '../../src/adapters/memory/memory-shared-token-store.ts';
import { openRedis, type RedisClient } from '../../src/adapters/redis/connection.ts';
import { sharedTokenKeys } from '../../src/adapters/redis/keys.ts';
import { RedisSharedTokenStore } from '../../src/adapters/redis/redis-shared-token-store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { sharedTokenStoreLaw } from '../conformance/shared-token-store.ts';
import { RedisServer } from '../support/redis-server.ts';
import { singleRedis } from '../support/redis-stores.ts';

let server: RedisServer;
const clients: RedisClient[] = [];
const stores: RedisSharedTokenStore[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  for (const name of ['one', 'two']) {
    const options = { name, deadlineMs: 5_000, onDown: () => undefined, onUp: () => undefined };
    const commands = await openRedis(singleRedis(server.port), options);
    clients.push(commands);
    stores.push(new RedisSharedTokenStore({ commands, deadlineMs: 5_000, clock: systemClock }));
  }
});

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

let turn = 0;
const store = (): RedisSharedTokenStore => {
  const one = stores[turn++ % stores.length];
  if (one === undefined) throw new Error('not opened');
  return one;
};

const inMemory = new MemorySharedTokenStore(systemClock);

sharedTokenStoreLaw('memory', () => inMemory);
sharedTokenStoreLaw('Redis', store);

test('a shared token in Redis goes by itself, and a damaged one is missing', async () => {
  const now = Date.now();
  await store().lease('app', 'one', 60_000);
  await store().replace('app', 'one', { token: 'T', expiresAt: now + 7_200_000 }, now);
  const { token, lease } = sharedTokenKeys('app');
  expect([token, lease]).toEqual(['lk:{app:app}', 'lk:{app:app}:lease']);
  const life = await server.with((redis) => redis.pttl(token));
  expect(life).toBeGreaterThan(7_100_000);
  await server.with((redis) => redis.hset(token, 'expires_at', 'soon'));
  expect(await store().read('app')).toBeUndefined();
});
