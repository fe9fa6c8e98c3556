import { afterAll, beforeAll } from '@jest/globals';
import { openRedis, type RedisClient } from '../../src/adapters/redis/connection.ts';
import { RedisExternalFlowStore } from '../../src/adapters/redis/redis-external-flow-store.ts';
import { RedisSharedTokenStore } from '../../src/adapters/redis/redis-shared-token-store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { externalFlowStoreLaw } from '../conformance/external-flow-store.ts';
import { sharedTokenStoreLaw } from '../conformance/shared-token-store.ts';
import { ticketStoreLaw } from '../conformance/ticket-store.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { openTickets } from '../support/tickets.ts';

let cluster: RedisCluster;
let opened: Awaited<ReturnType<typeof openTickets>>;
let commands: RedisClient;
let flows: RedisExternalFlowStore;
let tokens: RedisSharedTokenStore;

beforeAll(async () => {
  cluster = await RedisCluster.start();
  opened = await openTickets(cluster.address);
  const options = { name: 'commands', deadlineMs: 5_000, onDown: () => undefined, onUp: () => undefined };
  commands = await openRedis(cluster.address, options);
  const parts = { commands, deadlineMs: 5_000, clock: systemClock };
  flows = new RedisExternalFlowStore(parts);
  tokens = new RedisSharedTokenStore(parts);
}, 60_000);

afterAll(async () => {
  await opened.close();
  commands.disconnect();
  await cluster.stop();
});

ticketStoreLaw('Redis Cluster', () => opened.tickets);
externalFlowStoreLaw('Redis Cluster', () => flows);
sharedTokenStoreLaw('Redis Cluster', () => tokens);
