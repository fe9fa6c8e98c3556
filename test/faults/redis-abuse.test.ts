import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RevocationFollower } from '../../src/core/revocation/revocation-follower.ts';
import type { Session } from '../../src/core/session/session.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { sessionSteps } from '../conformance/session-steps.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { aSession, HOUR } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/**
 * Whatever Redis or the network does, an operation soon succeeds or fails with STORE_UNAVAILABLE, and later succeeds
 * again. An unhandled rejection fails the running test.
 */

/** Beyond the deadline: the time a busy machine needs for timers. */
const SLACK_MS = 300;

let server: RedisServer;
let proxy: TcpProxy;
let stores: RedisStores;
let follower: RevocationFollower;
let known: Session;
let now: number;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.stop());

beforeEach(async () => {
  now = Date.now();
  proxy = await TcpProxy.open(server.port);
  stores = await RedisStores.open(singleRedis(proxy.port), { deadlineMs: SERVICE_DEADLINE_MS });
  known = aSession(now);
  await operations.create(known);
  follower = new RevocationFollower({
    log: stores.log,
    clock: systemClock,
    tokenLifeMs: 900_000,
    waitMs: 100,
    reinstate: async () => undefined,
    observer: { readFailed: () => undefined, recovered: () => undefined, entriesLost: () => undefined },
  });
  await follower.start();
});

afterEach(async () => {
  await follower.close();
  stores.close();
  await proxy.close();
});

const entryOf = ({ userId, sessionId }: Session): Revocation => ({
  ...{ kind: 'session', userId, sessionId, reason: 'LOGGED_OUT', endedAt: now, expiresAt: now + HOUR },
});

const steps = () => sessionSteps(stores.sessions, { now: () => now }, { refreshGraceMs: HOUR });

/** Everything that uses Redis. */
const operations = {
  create: (session = aSession(now)): Promise<unknown> => steps().create(session),
  rotate: (session = known): Promise<unknown> => steps().rotate(session, 1),
  read: (session = known): Promise<unknown> => steps().read(session),
  end: (session = aSession(now)): Promise<unknown> => steps().end(session),
  endUser: ({ userId } = aSession(now)): Promise<unknown> => steps().endUser(userId, 2),
  append: (): Promise<unknown> => stores.log.append(entryOf(aSession(now)), now),
  ping: (): Promise<unknown> => stores.sessions.ping(),
};

type Outcome = Awaited<ReturnType<typeof outcomeOf>>;

/** All of them at once, several times. Fails if one takes too long. */
async function attempt(times = 5): Promise<Set<Outcome>> {
  const began = performance.now();
  const all = Array.from({ length: times }, () => Object.values(operations).map((run) => outcomeOf(run())));
  const outcomes = await Promise.all(all.flat());
  expect(performance.now() - began).toBeLessThan(SERVICE_DEADLINE_MS + SLACK_MS);
  return new Set(outcomes);
}

/** Like `attempt`, until everything succeeds. Before that, only STORE_UNAVAILABLE is allowed. */
async function recovered(): Promise<void> {
  await eventually(async () => {
    const outcomes = await attempt(1);
    for (const outcome of outcomes) expect(['ok', 'STORE_UNAVAILABLE']).toContain(outcome);
    return outcomes.size === 1 && outcomes.has('ok');
  }, 15_000);
  await eventually(() => follower.ageMs < 1_000, 15_000);
}

const UNAVAILABLE = new Set(['STORE_UNAVAILABLE']);
const TOLERABLE = ['ok', 'STORE_UNAVAILABLE'];

function expectTolerable(outcomes: Set<Outcome>): void {
  for (const outcome of outcomes) expect(TOLERABLE).toContain(outcome);
}

describe('a network that', () => {
  test('becomes silent costs one deadline, makes the follower stale, and recovers', async () => {
    const under = attempt();
    proxy.silence();
    expectTolerable(await under);
    expect(await attempt()).toEqual(UNAVAILABLE);
    await eventually(() => follower.ageMs > 1_500);
    expect(await attempt()).toEqual(UNAVAILABLE);
    proxy.speak();
    await recovered();
  });

  test('becomes silent again and again leaves no connections open', async () => {
    const before = proxy.connections;
    for (let round = 0; round < 3; round += 1) {
      proxy.silence();
      expect(await attempt()).toEqual(UNAVAILABLE);
      proxy.speak();
      await recovered();
    }
    await eventually(() => proxy.connections === before);
  }, 60_000);

  test('closes one direction does not prevent recovery', async () => {
    const under = attempt();
    proxy.halfClose();
    expectTolerable(await under);
    await recovered();
  });

  test('resets all connections does not prevent recovery', async () => {
    const under = attempt();
    proxy.reset();
    expectTolerable(await under);
    await recovered();
  });

  test.each([1, 3, 7, 20, 100])(
    'resets a connection after %i bytes of a reply does not prevent recovery',
    async (bytes) => {
      proxy.resetInReply(bytes);
      expectTolerable(await attempt());
      await recovered();
    },
  );

  test('never gives one operation the reply of another', async () => {
    const sessions = Array.from({ length: 50 }, () => aSession(now));
    await Promise.all(sessions.map((session) => operations.create(session)));
    for (let round = 0; round < 10; round += 1) {
      const reading = sessions.map(async ({ userId, sessionId }) => {
        const found = await stores.sessions.read(userId, sessionId, now).catch(() => undefined);
        if (found === undefined) return;
        expect(found).toMatchObject({ kind: 'live', session: { sessionId } });
      });
      proxy.resetInReply(30 * round);
      await Promise.all(reading);
      await recovered();
    }
  }, 60_000);
});

describe('a Redis that', () => {
  test('is killed and returns without its data is used again', async () => {
    const under = attempt();
    await server.kill();
    expectTolerable(await under);
    expect(await attempt()).toEqual(UNAVAILABLE);
    await server.resume();
    await recovered();
  });

  test('is frozen is used again afterwards', async () => {
    server.freeze();
    expect(await attempt()).toEqual(UNAVAILABLE);
    server.thaw();
    await recovered();
  });

  test('has lost the scripts gets them again', async () => {
    await server.with((redis) => redis.script('FLUSH'));
    expect(await attempt()).toEqual(new Set(['ok']));
  });

  test('has become a replica takes no writes, and is replaced by the primary', async () => {
    const other = await RedisServer.startReplica(server.port);
    await other.promote();
    await server.with((redis) => redis.replicaof('127.0.0.1', String(other.port)));
    const writes = [
      operations.create,
      operations.end,
      operations.endUser,
      operations.append,
      operations.ping,
    ];
    for (const write of writes) expect(await outcomeOf(write())).toBe('STORE_UNAVAILABLE');
    await eventually(() => follower.ageMs > 500);
    proxy.target = other.port;
    await recovered();
    proxy.target = server.port;
    await server.promote();
    await other.stop();
  });

  test('is out of memory keeps its data and refuses writes until it has memory', async () => {
    await server.with((redis) => redis.config('SET', 'maxmemory', '1'));
    expectTolerable(await attempt());
    expect(await outcomeOf(operations.create())).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(operations.append())).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(operations.ping())).toBe('STORE_UNAVAILABLE');
    expect(await stores.sessions.read(known.userId, known.sessionId, now)).toMatchObject({ kind: 'live' });
    await server.with((redis) => redis.config('SET', 'maxmemory', '0'));
    await recovered();
  });
});

describe('a Redis that is loading its data when the service starts', () => {
  let slow: RedisServer;
  let starting: RedisStores | undefined;

  beforeEach(async () => {
    slow = await RedisServer.start();
  });

  afterEach(async () => {
    starting?.close();
    await slow.stop();
  });

  test('blocks no call, and is used when it is ready', async () => {
    await slow.with(async (redis) => {
      const pipeline = redis.pipeline();
      for (let key = 0; key < 5_000; key += 1) pipeline.set(`filler:${key}`, 'x'.repeat(100));
      await pipeline.exec();
      await redis.save();
    });
    await slow.kill();
    slow.launch('--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024');
    const began = performance.now();
    const opened = await RedisStores.open(singleRedis(slow.port), { deadlineMs: SERVICE_DEADLINE_MS });
    starting = opened;
    expect(performance.now() - began).toBeLessThan(5_000);
    const outcomes = new Set<Outcome>();
    await eventually(async () => {
      const outcome = await outcomeOf(opened.sessions.ping());
      outcomes.add(outcome);
      return outcome === 'ok';
    }, 20_000);
    expect(outcomes).toEqual(new Set(TOLERABLE));
  }, 60_000);
});
