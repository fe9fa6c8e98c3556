import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/core/session/session.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { sessionSteps } from '../conformance/session-steps.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { IN_TIME_MS } from '../support/in-time.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { SessionWorld } from '../support/session-world.ts';
import { aSession, atMost, HOUR, ids } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const ONE_REPLICA = { waitReplicas: 1, waitMs: 300 };
const NOT_ACKNOWLEDGED = /^(END_UNCONFIRMED|STORE_UNAVAILABLE)$/;

let primary: RedisServer;
let replica: RedisServer;
let stores: RedisStores;
let now: number;

beforeAll(async () => {
  primary = await RedisServer.start();
  replica = await RedisServer.startReplica(primary.port);
});

afterAll(async () => {
  await replica.stop();
  await primary.stop();
});

beforeEach(async () => {
  stores = await RedisStores.open(singleRedis(primary.port), {
    ...{ durability: ONE_REPLICA, deadlineMs: SERVICE_DEADLINE_MS },
  });
  now = Date.now();
});

afterEach(() => stores.close());

const steps = () => sessionSteps(stores.sessions, { now: () => now }, { refreshGraceMs: 0 });
const create = (session: Session, maxSessions = 50) => steps().create(session, atMost(maxSessions));
const rotate = (session: Session, generation: number) => steps().rotate(session, generation);
const read = ({ sessions }: RedisStores, { userId, sessionId }: Session) =>
  sessions.read(userId, sessionId, now);
const end = (session: Session) => steps().end(session);
const endKnown = (session: Session) => steps().endKnown(session);
const endOthers = (session: Session) => steps().endOthers({ ...session, sessionId: ids.next(now) });
const endOutdated = (session: Session) => steps().endOutdated({ ...session, sessionId: ids.next(now) }, 2);
const endUser = ({ userId }: Session) => steps().endUser(userId, 2);
const entryOf = ({ userId, sessionId }: Session): Revocation => ({
  ...{ kind: 'session', userId, sessionId, reason: 'LOGGED_OUT', endedAt: now, expiresAt: now + HOUR },
});
const phone = { deviceId: 'phone', name: '', platform: '' };

async function opened(): Promise<Session> {
  const session = aSession(now, { device: phone });
  await create(session);
  return session;
}

/** A session with two refresh tokens, the first of which is outdated. */
async function rotatedTwice(): Promise<Session> {
  const session = await opened();
  for (const generation of [1, 2]) await rotate(session, generation);
  return session;
}

interface WayToEnd {
  readonly name: string;
  readonly prepare: () => Promise<Session>;
  readonly run: (session: Session) => Promise<unknown>;
  /** Whether the other store has it. */
  readonly heldBy: (other: RedisStores, session: Session) => Promise<boolean>;
}

const isEnded = async (other: RedisStores, session: Session) => (await read(other, session)).kind === 'ended';

const WAYS_TO_END: readonly WayToEnd[] = [
  { name: 'the end of a session', prepare: opened, run: end, heldBy: isEnded },
  { name: 'the end of a session by its id', prepare: opened, run: endKnown, heldBy: isEnded },
  { name: 'the end of all other sessions', prepare: opened, run: endOthers, heldBy: isEnded },
  { name: 'the end of all outdated sessions but one', prepare: opened, run: endOutdated, heldBy: isEnded },
  {
    name: 'the refusal of outdated sign-ins',
    prepare: async () => aSession(now),
    run: (session) => steps().endOutdated(session, 2),
    // A replica takes no writes, so it is asked for the field that `create` reads.
    heldBy: async (_, { userId }) =>
      (await replica.with((redis) => redis.hget(`lk:{${userId}}:cutoff`, 'security_version'))) === '2',
  },
  { name: 'the end of all sessions of a user', prepare: opened, run: endUser, heldBy: isEnded },
  {
    name: 'the reuse of a refresh token',
    prepare: rotatedTwice,
    run: (session) => rotate(session, 1),
    heldBy: isEnded,
  },
  {
    name: 'an entry in the log',
    prepare: opened,
    run: (session) => stores.log.append(entryOf(session), now),
    heldBy: async (other, session) => {
      const entries = await other.log.read(undefined, 0);
      return entries.some(({ revocation }) => revocation.userId === session.userId);
    },
  },
];

async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  return [await work, performance.now() - began];
}

describe.each(WAYS_TO_END)('with one replica to wait for, $name', ({ prepare, run, heldBy }) => {
  test('is acknowledged once the replica has it', async () => {
    const session = await prepare();
    await run(session);
    const other = await RedisStores.open(singleRedis(replica.port));
    expect(await heldBy(other, session)).toBe(true);
    other.close();
  });

  test('is not acknowledged while the replica is frozen, and can be repeated afterwards', async () => {
    const session = await prepare();
    replica.freeze();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const [outcome, ms] = await timed(outcomeOf(run(session)));
      expect(outcome).toMatch(NOT_ACKNOWLEDGED);
      expect(ms).toBeLessThan(IN_TIME_MS);
    }
    replica.thaw();
    await eventually(async () => (await outcomeOf(run(session))) === 'ok');
    await run(session);
    const other = await RedisStores.open(singleRedis(replica.port));
    expect(await heldBy(other, session)).toBe(true);
    other.close();
  });

  test('is not acknowledged while the replica is gone, and can be repeated afterwards', async () => {
    const session = await prepare();
    await replica.kill();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const [outcome, ms] = await timed(outcomeOf(run(session)));
      expect(outcome).toMatch(NOT_ACKNOWLEDGED);
      expect(ms).toBeLessThan(IN_TIME_MS);
    }
    await replica.resume();
    await replica.following();
    // The connection may still be made again, because its last call was not answered.
    await eventually(async () => (await outcomeOf(run(session))) === 'ok');
    await run(session);
    const other = await RedisStores.open(singleRedis(replica.port));
    expect(await heldBy(other, session)).toBe(true);
    other.close();
  });
});

describe('ends that wait for replicas', () => {
  test('delay no refreshes, and a read that no replica confirms fails in time', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, opened));
    const living = await opened();
    replica.freeze();
    const ends = Promise.all(sessions.map((session) => outcomeOf(end(session))));
    const times: number[] = [];
    for (let generation = 1; generation <= 20; generation += 1) {
      const [rotated, ms] = await timed(rotate(living, generation));
      expect(rotated.kind).toBe('rotated');
      times.push(ms);
    }
    const median = times.sort((one, other) => one - other)[times.length / 2];
    expect(median).toBeLessThan(200);
    const [outcome, readMs] = await timed(outcomeOf(read(stores, living)));
    expect(outcome).toBe('STORE_UNAVAILABLE');
    expect(readMs).toBeLessThan(IN_TIME_MS);
    for (const outcome of await ends) expect(outcome).toMatch(NOT_ACKNOWLEDGED);
  });

  test('leave no queue behind: the first one after the replica is back is acknowledged', async () => {
    const sessions = await Promise.all(Array.from({ length: 100 }, opened));
    replica.freeze();
    const outcomes = await Promise.all(sessions.map((session) => outcomeOf(end(session))));
    for (const outcome of outcomes) expect(outcome).toMatch(NOT_ACKNOWLEDGED);
    replica.thaw();
    expect(await outcomeOf(stores.log.append(entryOf(await opened()), now))).toBe('ok');
  });

  // One after the other would take 24 s and exceed the deadline of most, also on a slow machine.
  test('share the wait: 60 at once are acknowledged with a replica 200 ms away', async () => {
    await stores.close();
    stores = await RedisStores.open(singleRedis(primary.port), {
      ...{ durability: { waitReplicas: 1, waitMs: 5_000 }, deadlineMs: 6_000 },
    });
    const line = await TcpProxy.open(primary.port, { delayMs: 200 });
    const distant = await RedisServer.startReplica(line.port);
    await replica.kill();
    const sessions = await Promise.all(Array.from({ length: 60 }, opened));
    const outcomes = await Promise.all(
      sessions.flatMap((session) => [
        outcomeOf(end(session)),
        outcomeOf(stores.log.append(entryOf(session), now)),
      ]),
    );
    await distant.stop();
    await line.close();
    await replica.resume();
    await replica.following();
    expect(new Set(outcomes)).toEqual(new Set(['ok']));
  });

  test('of a session that is missing, and a list, are believed only of a primary that a replica confirms', async () => {
    const session = await opened();
    const unknown = aSession(now);
    const asks = [() => endKnown(unknown), () => endOthers(unknown), () => steps().list(session.userId)];
    replica.freeze();
    for (const ask of asks) expect(await outcomeOf(ask())).toBe('STORE_UNAVAILABLE');
    replica.thaw();
    expect(await endKnown(unknown)).toBeUndefined();
    expect(await steps().list(session.userId)).toEqual([session]);
  });

  test('that too few replicas confirm report how many did', async () => {
    stores.close();
    stores = await RedisStores.open(singleRedis(primary.port), {
      durability: { waitReplicas: 2, waitMs: 100 },
    });
    const session = aSession(now, { userId: ids.next(now) });
    await expect(end(session)).rejects.toMatchObject({
      reason: 'END_UNCONFIRMED',
      message: expect.stringContaining('1 of 2'),
    });
  });

  test('of sessions that must make room are required: without them a login opens nothing and ends nothing', async () => {
    const userId = ids.next(now);
    const three = [1, 2, 3].map(() => aSession(now, { userId }));
    for (const session of three) await create(session);
    replica.freeze();
    const tried = three.map(() => aSession(now, { userId }));
    for (const session of tried) expect(await outcomeOf(create(session, 3))).toMatch(NOT_ACKNOWLEDGED);
    replica.thaw();
    await replica.following();
    for (const session of three) expect(await read(stores, session)).toMatchObject({ kind: 'live' });
    for (const session of tried) expect(await read(stores, session)).toEqual({ kind: 'missing' });
  });

  test('of the replaced session of the same device are not required, and are completed by a later login', async () => {
    const world = await SessionWorld.open(
      { store: stores.sessions, log: stores.log },
      new ManualClock(Date.now()),
    );
    await world.settle();
    const user = world.addUser();
    const first = await world.open(user, phone);
    await world.settle();
    replica.freeze();
    expect((await world.open(user, phone)).replaced).toEqual([]);
    replica.thaw();
    const { replaced } = await world.open(user, phone);
    expect(replaced.map(({ sessionId }) => sessionId)).toContain(first.session.sessionId);
    await world.settle();
    const { verdict } = await world.tokens.validate(first.tokens.accessToken, { consistency: 'BOUNDED' });
    expect(verdict).toMatchObject({ kind: 'rejected', endReason: 'REPLACED' });
    await world.close();
  });
});
