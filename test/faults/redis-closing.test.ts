import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  closeRedis,
  openRedis,
  type RedisAddress,
  type RedisClient,
} from '../../src/adapters/redis/connection.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from '../support/redis-server.ts';
import { singleRedis } from '../support/redis-stores.ts';

const DEADLINE_MS = 500;
/** Well below the two seconds for which the driver by default keeps a closed connection. */
const SOON_MS = 1_000;
const KEEP_A_PROCESS = ['Timeout', 'TCPSocketWrap'];

let server: RedisServer;

beforeEach(async () => {
  server = await RedisServer.start();
});

afterEach(() => server.stop());

const open = (address: RedisAddress = singleRedis(server.port)): Promise<RedisClient> =>
  openRedis(address, {
    ...{ name: 'closing', deadlineMs: DEADLINE_MS },
    ...{ onDown: () => undefined, onUp: () => undefined },
  });

const behind = ({ port }: RedisServer): RedisAddress => ({
  ...{ kind: 'sentinel', tls: false, master: 'main', db: 0 },
  sentinels: [{ host: '127.0.0.1', port }],
});

/** Waits until the server expects to load its data for this many more seconds. */
async function loading(seconds: number): Promise<void> {
  const redis = new Redis(server.port, '127.0.0.1', { enableReadyCheck: false, retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  try {
    await eventually(async () => {
      const said = await redis.info('persistence');
      return Number(/loading_eta_seconds:(\d+)/.exec(said)?.[1]) >= seconds;
    });
  } finally {
    redis.disconnect();
    await once(redis, 'end');
  }
}

/** Timers and sockets that would keep the process alive. */
const held = (): number =>
  process.getActiveResourcesInfo().filter((kind) => KEEP_A_PROCESS.includes(kind)).length;

describe('a closed connection does not keep the process alive', () => {
  let before: number;

  beforeEach(async () => {
    // The connection that checked whether the server is up ends first.
    await eventually(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
    before = held();
  });

  test('while Redis is available', async () => {
    const client = await open();
    expect(client.status).toBe('ready');
    closeRedis(client);
    await eventually(() => held() <= before, SOON_MS);
  });

  test('while Redis is unavailable', async () => {
    const client = await open();
    await server.kill();
    await eventually(() => client.status === 'reconnecting');
    closeRedis(client);
    await eventually(() => held() <= before, SOON_MS);
  });

  test('while Redis keeps its connections open and is silent', async () => {
    const client = await open();
    server.freeze();
    closeRedis(client);
    await eventually(() => held() <= before, SOON_MS);
  });

  // With sentinels the driver waits until the data is loaded. Otherwise each command gets LOADING.
  test.each([
    ['', 'ready'],
    [' behind a sentinel', 'connect'],
  ])('while Redis loads its data%s', async (where, status) => {
    const sentinel = where === '' ? undefined : await RedisServer.startSentinel(server.port);
    before = held();
    await server.with(async (redis) => {
      const pipeline = redis.pipeline();
      for (let key = 0; key < 10_000; key += 1) pipeline.set(`filler:${key}`, 'x'.repeat(100));
      await pipeline.exec();
      await redis.save();
    });
    await server.kill();
    server.launch('--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024');
    await loading(5);
    const client = await open(sentinel === undefined ? undefined : behind(sentinel));
    expect(client.status).toBe(status);
    closeRedis(client);
    await eventually(() => held() <= before, SOON_MS);
    await sentinel?.stop();
  });

  test('when it is closed a second time', async () => {
    const client = await open();
    closeRedis(client);
    await eventually(() => client.status === 'end' && held() <= before, SOON_MS);
    closeRedis(client);
    expect(held()).toBeLessThanOrEqual(before);
  });
});
