import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { LOG_KEYS } from '../../src/adapters/redis/keys.ts';
import type { RevocationSubscriber } from '../../src/core/revocation/revocation-subscriber.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { WatchRevocationsResponse } from '../../src/gen/latchkey/v1/validation.ts';
import { WatchEncoder } from '../../src/grpc/messages/watch-encoder.ts';
import { DAMAGED_ENTRIES, LASTING_ENTRIES, RUBBISH, writeEntry } from '../support/damaged-entries.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { DAY, ids } from '../support/sessions.ts';

/** Damage in the revocation log stops no reader, in this process or another. */

let server: RedisServer;
/** Damages the log without the adapter. */
let redis: Redis;
let clock: ManualClock;
let stores: RedisStores;
let world: SessionWorld;
let subscriptions: RevocationSubscriptions;
let subscribers: RevocationSubscriber[];

beforeAll(async () => {
  // A read then waits for 5 ms instead of a tenth of a second.
  server = await RedisServer.start('--hz', '500');
  redis = new Redis(server.port, '127.0.0.1');
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await redis.flushall();
  clock = new ManualClock(Date.now());
  stores = await RedisStores.open(singleRedis(server.port));
  subscriptions = new RevocationSubscriptions(clock);
  world = await SessionWorld.open(
    { store: stores.sessions, log: stores.log, listener: subscriptions },
    clock,
  );
  subscribers = [];
});

afterEach(async () => {
  for (const subscriber of subscribers) subscriber.close();
  await world.close();
  stores.close();
});

/** Subscribes like a stream of WatchRevocations. Returns the session ids that it receives. */
function watch(): readonly string[] {
  const encoder = new WatchEncoder();
  const received: string[] = [];
  const subscriber = subscriptions.watch(
    {
      send: (message) => {
        const { revocations } = WatchRevocationsResponse.decode(encoder.encode(message));
        for (const { scope } of revocations) if (scope?.$case === 'sessionId') received.push(scope.value);
        queueMicrotask(() => subscriber.taken());
      },
      end: () => received.push('the end of the watch'),
    },
    { heartbeatMs: 1_000 },
  );
  subscribers.push(subscriber);
  subscriber.check();
  return received;
}

/** Ends a session normally, after the damage. */
async function anIntactEnd(): Promise<string> {
  const { session } = await world.open(world.addUser());
  await world.ender.end(session.userId, session.sessionId, 'LOGGED_OUT', ADMIN_ACTOR);
  return session.sessionId;
}

describe('a damaged entry of the revocation log', () => {
  test.each(DAMAGED_ENTRIES)(
    'ends the sessions that it names, stops no reader, and is reported: $name',
    async ({ fields, ends }) => {
      const received = watch();
      const [userId, sessionId] = [ids.next(clock.now()), ids.next(clock.now())];
      const revision = await writeEntry(redis, fields({ user: userId, session: sessionId }, clock.now()));
      const intact = await anIntactEnd();
      await world.settle();
      await eventually(() => received.includes(intact));
      expect(received).not.toContain('the end of the watch');
      const reason = world.follower.endReasonOf(userId, sessionId, clock.now() - 20_000);
      expect(reason === undefined).toBe(!ends);
      // A later sign-in is not affected.
      expect(world.follower.endReasonOf(userId, ids.next(clock.now()), clock.now() + 60_000)).toBeUndefined();
      expect(new Set(stores.damages.map(({ id }) => id))).toEqual(new Set([revision]));
      clock.advance(2 * DAY);
      await eventually(() => world.follower.size === 0);
    },
  );

  test.each(LASTING_ENTRIES)('is kept for one day longer than a token lives: $name', async ({ fields }) => {
    const [userId, sessionId] = [ids.next(clock.now()), ids.next(clock.now())];
    await writeEntry(redis, fields({ user: userId, session: sessionId }, clock.now()));
    await anIntactEnd();
    await world.settle();
    expect(world.follower.size).toBe(2);
    clock.advance(2 * DAY);
    await eventually(() => world.follower.size === 0);
    await eventually(() => subscriptions.log.first === subscriptions.log.end);
  });

  test('does not stop a follower that starts later', async () => {
    for (const { fields } of DAMAGED_ENTRIES) {
      await writeEntry(redis, fields({ user: ids.next(0), session: ids.next(0) }, clock.now()));
    }
    const intact = await anIntactEnd();
    await world.close();
    stores.close();
    stores = await RedisStores.open(singleRedis(server.port));
    subscriptions = new RevocationSubscriptions(clock);
    world = await SessionWorld.open(
      { store: stores.sessions, log: stores.log, listener: subscriptions },
      clock,
    );
    await world.settle();
    const received = watch();
    await eventually(() => received.includes(intact));
  });
});

describe('a revocation log', () => {
  test.each(RUBBISH.map((value, index) => [index, value] as const))(
    'begins anew where its beginning is no time: rubbish %i',
    async (_, value) => {
      const known = await anIntactEnd();
      await world.settle();
      await redis.set(LOG_KEYS.genesis, value);
      await world.settle();
      await eventually(() => world.follower.coveredSince > clock.now() - 20_000);
      const received = watch();
      const intact = await anIntactEnd();
      await eventually(() => received.includes(intact) && received.includes(known));
    },
  );

  test('continues if it cannot be read which entry it dropped last', async () => {
    await anIntactEnd();
    await world.settle();
    await redis.set(LOG_KEYS.dropped, 'x');
    await redis.del(LOG_KEYS.stream);
    const received = watch();
    const intact = await anIntactEnd();
    await world.settle();
    await eventually(() => received.includes(intact));
  });
});
