import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Script } from '../../src/adapters/redis/script.ts';
import type { SessionWithTokens } from '../../src/core/session/session-tokens.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { SessionWorld } from '../support/session-world.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** The server reaches Redis through an address that always leads to the primary. The replica does not get the end. */

let primary: RedisServer;
let line: TcpProxy;
let replica: RedisServer;
let address: TcpProxy;
let stores: RedisStores;
let world: SessionWorld;
/** A session whose login the replica has, and one whose login it does not have. */
let kept: SessionWithTokens;
let lost: SessionWithTokens;

const open = async (clock: ManualClock, given: Partial<Pick<SessionWorld, 'key'>> = {}) => {
  const opened = await RedisStores.open(singleRedis(address.port));
  return {
    opened,
    world: await SessionWorld.open({ store: opened.sessions, log: opened.log, ...given }, clock),
  };
};

beforeEach(async () => {
  primary = await RedisServer.start();
  line = await TcpProxy.open(primary.port);
  replica = await RedisServer.startReplica(line.port);
  address = await TcpProxy.open(primary.port);
  const { opened, world: started } = await open(new ManualClock(Date.now()));
  stores = opened;
  world = started;
  await world.settle();
  kept = await world.open(world.addUser());
  await replica.following();
  line.silence();
  lost = await world.open(world.addUser());
  await world.settle();
});

afterEach(async () => {
  await world.close();
  stores.close();
  await address.close();
  await line.close();
  await replica.stop();
  await primary.stop();
});

async function failOver(): Promise<void> {
  const { coveredSince } = world.follower;
  await Promise.all([line.close(), primary.kill()]);
  await replica.promote();
  address.target = replica.port;
  address.reset();
  world.clock.advance(1);
  await eventually(() => world.follower.coveredSince > coveredSince);
  await world.settle();
}

const verdictOn = async ({ tokens }: SessionWithTokens, { tokens: validate } = world) =>
  (await validate.validate(tokens.accessToken, { consistency: 'BOUNDED' })).verdict;

describe('after a failover that lost logins', () => {
  test('a token of a lost session is rejected by bounded verdicts too', async () => {
    expect(await verdictOn(lost)).toMatchObject({ kind: 'accepted' });
    await failOver();
    expect(await verdictOn(lost)).toMatchObject({ kind: 'rejected', reason: 'SESSION_ENDED' });
    expect(await outcomeOf(world.refresh(lost.tokens.refreshToken))).toBe('SESSION_ENDED');
  });

  test('a token of a kept session is still valid', async () => {
    await failOver();
    expect(await verdictOn(kept)).toMatchObject({ kind: 'accepted' });
  });

  test('a server that starts afterwards rejects the lost session too', async () => {
    const { coveredSince } = world.follower;
    await Promise.all([line.close(), primary.kill()]);
    await world.close();
    await replica.promote();
    address.target = replica.port;
    address.reset();
    world.clock.advance(1);
    const later = await open(world.clock, { key: world.key });
    await eventually(() => later.world.follower.coveredSince > coveredSince);
    await later.world.settle();
    expect(await verdictOn(lost, later.world)).toMatchObject({ kind: 'rejected', reason: 'SESSION_ENDED' });
    expect(await verdictOn(kept, later.world)).toMatchObject({ kind: 'accepted' });
    await later.world.close();
    later.opened.close();
  });
});

describe('a Redis that was frozen and continues', () => {
  test('has lost nothing, so no token is checked again', async () => {
    const { coveredSince } = world.follower;
    primary.freeze();
    world.clock.advance(1_000);
    await eventually(async () => (await outcomeOf(stores.sessions.ping())) !== 'ok');
    primary.thaw();
    await world.settle();
    expect(world.follower.coveredSince).toBe(coveredSince);
  });
});

describe('a log on a cluster whose other primaries do not respond', () => {
  test('starts a new genesis when its own primary was replaced', async () => {
    const inspect = new Script('inspect-log', []);
    // A separate log, because the server of this test inspects the other one all the time.
    const primaries = 'lk:{other}:primaries';
    const keys = ['lk:{other}', 'lk:{other}:genesis', 'lk:{other}:dropped', primaries];
    await primary.with(async (redis) => {
      const began = async (now: number, others: string) => {
        const [genesis] = (await inspect.run(redis, keys, [
          now,
          '',
          others,
          Date.now() + 60_000,
        ])) as string[];
        return Number(genesis);
      };
      expect(await began(1_000, 'a,b')).toBe(1_000);
      expect(await began(2_000, 'unknown')).toBe(1_000);
      await redis.set(primaries, 'another primary');
      expect(await began(3_000, 'unknown')).toBe(3_000);
    });
  });
});
