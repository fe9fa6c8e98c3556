import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRedis, type RedisClient } from '../../src/adapters/redis/connection.ts';
import { flowKey } from '../../src/adapters/redis/keys.ts';
import { RedisExternalFlowStore } from '../../src/adapters/redis/redis-external-flow-store.ts';
import { FLOW_TTL_MS } from '../../src/core/sign-in/external-flow.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { aFlow, externalFlowStoreLaw } from '../conformance/external-flow-store.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';

/** Longer than the deadline of a step. */
const FROZEN_MS = 750;

let server: RedisServer;
const clients: RedisClient[] = [];

async function open(deadlineMs = 5_000): Promise<RedisExternalFlowStore> {
  const handlers = { onDown: () => undefined, onUp: () => undefined };
  const commands = await openRedis(singleRedis(server.port), { name: 'flows', deadlineMs, ...handlers });
  clients.push(commands);
  return new RedisExternalFlowStore({ commands, deadlineMs, clock: systemClock });
}

const stores: RedisExternalFlowStore[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  stores.push(await open(), await open());
});

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

let turn = 0;
const store = (): RedisExternalFlowStore => {
  const one = stores[turn++ % stores.length];
  if (one === undefined) throw new Error('not opened');
  return one;
};

externalFlowStoreLaw('Redis', store);

describe('a flow in Redis', () => {
  const now = Date.now();

  test('is a hash that goes by itself, with no secret in it', async () => {
    const flow = aFlow(now);
    await store().create(flow, now);
    const key = flowKey(flow.flowId);
    expect(key).toBe(`lk:{ext:${flow.flowId}}`);
    const fields = await server.with((redis) => redis.hgetall(key));
    expect(fields).toMatchObject({ format: '1', state: 'PENDING', secret: flow.secretHash, account: '' });
    const life = await server.with((redis) => redis.pttl(key));
    expect(life).toBeGreaterThan(FLOW_TTL_MS - 60_000);
    expect(life).toBeLessThanOrEqual(FLOW_TTL_MS);
  });

  test.each([
    ['format', '2'],
    ['expires_at', 'soon'],
    ['state', 'UNKNOWN'],
    ['account', '{'],
    ['account', '{"subject":1}'],
    ['taken_at', '-1'],
  ])('is missing if its %s is %j', async (field, value) => {
    const flow = aFlow(now, { state: 'TAKEN' });
    await store().create(flow, now);
    await server.with((redis) => redis.hset(flowKey(flow.flowId), field, value));
    expect(await store().take(flow.flowId, flow.secretHash, 'session', now)).toEqual({ kind: 'missing' });
  });

  test('is not taken by a step that Redis runs after its caller gave up', async () => {
    const hasty = await open(SERVICE_DEADLINE_MS);
    const flow = aFlow(now);
    await hasty.create(flow, now);
    const began = performance.now();
    server.freeze();
    const late = hasty.take(flow.flowId, flow.secretHash, 'late', now);
    expect(await outcomeOf(late)).toBe('STORE_UNAVAILABLE');
    await eventually(() => performance.now() - began > FROZEN_MS);
    server.thaw();
    await eventually(async () => {
      const taken = await store().take(flow.flowId, flow.secretHash, 'second', now);
      return 'flow' in taken && taken.flow.sessionId === 'second';
    });
  });
});
