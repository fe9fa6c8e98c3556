import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LoginService } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import { deviceTokens, throttleOf } from '../support/attempts.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { idleQueue, passwordsWith } from '../support/passwords.ts';
import { RecordingHasher } from '../support/recording-hasher.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { NO_RISK } from '../support/risk.ts';
import { NO_EVENTS } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';

const PASSWORD = 'the right password';

/** Faults of Redis that leave its connections open. */
const faults: Readonly<Record<string, (redis: RedisServer) => Promise<unknown>>> = {
  'stands still': async (redis) => redis.freeze(),
  'is gone': (redis) => redis.kill(),
  'is full': (redis) => redis.with((client) => client.config('SET', 'maxmemory', '1')),
  'is a replica now': (redis) => redis.with((client) => client.replicaof('127.0.0.1', '1')),
  'cannot write its data to disk': (redis) =>
    redis.with(async (client) => {
      await client.config('SET', 'save', '3600 1');
      const [, folder] = (await client.config('GET', 'dir')) as [string, string];
      rmSync(folder, { recursive: true });
      await client.bgsave();
      await eventually(async () => (await client.info('persistence')).includes('last_bgsave_status:err'));
    }),
};

let redis: RedisServer;
let stores: RedisStores;
let world: SessionWorld;
let hasher: RecordingHasher;
let user: User;
let service: LoginService;

beforeEach(async () => {
  redis = await RedisServer.start();
  stores = await RedisStores.open(singleRedis(redis.port));
  world = await SessionWorld.open({ store: stores.sessions });
  hasher = new RecordingHasher();
  const queue = idleQueue();
  const passwords = passwordsWith({ hasher, queue, cost: 4 });
  user = world.addUser({ usernameKey: 'ada', passwordHash: await passwords.hash(PASSWORD) });
  hasher.jobs.length = 0;
  service = new LoginService({
    users: {
      findByUsernameKey: async (key) => (key === user.usernameKey ? user : undefined),
      update: async () => user,
    },
    passwords,
    queue,
    throttle: throttleOf(stores.attempts, world.clock),
    devices: deviceTokens(world.clock),
    risk: NO_RISK,
    sessions: world.opener,
    clock: world.clock,
    events: NO_EVENTS,
  });
});

afterEach(async () => {
  await world.close();
  stores.close();
  await redis.stop();
});

/** The outcome of the right password, a wrong one and an unknown name, all in progress at the same time. */
function logins(): Promise<readonly string[]> {
  const attempts = [
    ['ada', PASSWORD],
    ['ada', 'a wrong password'],
    ['bob', 'a wrong password'],
  ] as const;
  return Promise.all(
    attempts.map(([username, password]) =>
      outcomeOf(
        service.login({
          ...{
            username,
            password,
            clientId: 'web',
            ipAddress: '192.0.2.1',
            network: '192.0.2.1',
            deviceToken: '',
            endSessionId: '',
          },
          device: { deviceId: '', name: '', platform: '' },
          labels: {},
          source: { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1' },
        }),
      ),
    ),
  );
}

const UNAVAILABLE = new Array<string>(3).fill('STORE_UNAVAILABLE');

test('right and wrong passwords get different answers while Redis works', async () => {
  expect(await logins()).toEqual(['ok', 'INVALID_CREDENTIALS', 'INVALID_CREDENTIALS']);
});

describe.each(Object.entries(faults))('if Redis %s', (_, fault) => {
  test('a login is UNAVAILABLE before the password is checked', async () => {
    await fault(redis);
    expect(await logins()).toEqual(UNAVAILABLE);
    expect(hasher.jobs).toEqual([]);
  });

  test('during a password check, right and wrong passwords get the same answer', async () => {
    let harm: Promise<unknown> | undefined;
    hasher.meanwhile = async () => {
      // All of them hash, so that none is refused earlier.
      await eventually(() => hasher.jobs.length === 3);
      harm ??= fault(redis);
      await harm;
    };
    expect(await logins()).toEqual(UNAVAILABLE);
  });
});
