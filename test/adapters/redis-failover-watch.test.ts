import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  closeRedis,
  openRedis,
  type RedisAddress,
  reconnectRedis,
} from '../../src/adapters/redis/connection.ts';
import { watchFailover } from '../../src/adapters/redis/failover-watch.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';

const DEADLINE_MS = 1_000;

let old: RedisServer;
let successor: RedisServer;
let sentinel: RedisServer;

beforeEach(async () => {
  old = await RedisServer.start();
  successor = await RedisServer.start();
  sentinel = await RedisServer.startSentinel(old.port);
});

afterEach(async () => {
  for (const server of [sentinel, successor, old]) await server.stop();
});

const addressBy = (...sentinels: readonly RedisServer[]): RedisAddress => ({
  ...{ kind: 'sentinel', tls: false, master: 'main', db: 0 },
  sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
});
/** The connections of the watch to a sentinel. */
const subscribers = (to: RedisServer) =>
  to.with(async (redis) => String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).match(/ id=|^id=/gm));

test('a connection that a frozen master accepted is closed when the master is replaced', async () => {
  const client = await openRedis(addressBy(sentinel), {
    ...{ name: 'commands', deadlineMs: DEADLINE_MS },
    onDown: () => undefined,
    onUp: () => undefined,
  });
  old.freeze();
  client.disconnect(true);
  await eventually(() => client.status === 'connect');
  await sentinel.with(async (redis) => {
    await redis.call('SENTINEL', 'REMOVE', 'main');
    await redis.call('SENTINEL', 'MONITOR', 'main', '127.0.0.1', successor.port, 1);
  });
  reconnectRedis(client);
  old.thaw();
  await eventually(() => client.status === 'ready');
  expect(await client.info('server')).toContain(`tcp_port:${successor.port}`);
  closeRedis(client);
});

test('a sentinel that does not know the master reports no failover', async () => {
  const ignorant = await RedisServer.startSentinel(old.port);
  await ignorant.with((redis) => redis.call('SENTINEL', 'REMOVE', 'main'));
  let failovers = 0;
  const onFailover = () => {
    failovers += 1;
  };
  const end = watchFailover(addressBy(sentinel, ignorant), { deadlineMs: DEADLINE_MS, onFailover });
  for (const server of [sentinel, ignorant, sentinel]) {
    await eventually(async () => (await subscribers(server)) !== null);
    await server.with((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await eventually(async () => (await subscribers(server)) === null);
    await eventually(async () => (await subscribers(server)) !== null);
  }
  expect(failovers).toBe(0);
  end();
  await ignorant.stop();
});
