import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { SessionWithTokens } from '../../src/core/session/session-tokens.ts';
import type { Requirements } from '../../src/validator/verdict.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { MAX_STALENESS, SessionWorld } from '../support/session-world.ts';
import { ids } from '../support/sessions.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/**
 * The old primary keeps its server and loses its replica, which becomes the new primary. The server at the old primary
 * cannot know what ends at the new one.
 */

const BOUNDED: Requirements = { consistency: 'BOUNDED' };
const STRONG: Requirements = { consistency: 'STRONG' };

let old: RedisServer;
let line: TcpProxy;
let successor: RedisServer;
let stores: RedisStores;
let world: SessionWorld;
let opened: SessionWithTokens;
/** How often the follower completed a round. */
let rounds: number;

beforeAll(async () => {
  old = await RedisServer.start();
});

afterAll(() => old.stop());

/** A server on the old primary, with one session. */
async function serve(waitReplicas: number): Promise<void> {
  stores = await RedisStores.open(singleRedis(old.port), { durability: { waitReplicas, waitMs: 50 } });
  const parts = { store: stores.sessions, log: stores.log };
  rounds = 0;
  const inspect = stores.log.inspect.bind(stores.log);
  jest.spyOn(stores.log, 'inspect').mockImplementation((...given) => {
    rounds += 1;
    return inspect(...given);
  });
  world = await SessionWorld.open(parts, new ManualClock(Date.now()));
  await world.settle();
  opened = await world.open(world.addUser());
  await world.settle();
}

beforeEach(async () => {
  line = await TcpProxy.open(old.port);
  successor = await RedisServer.startReplica(line.port);
});

afterEach(async () => {
  await world.close();
  stores.close();
  await line.close();
  await successor.stop();
});

/** Cuts off the old primary, and ends the session on the new one. Resolves with the revision of the end. */
async function endElsewhere(): Promise<string> {
  await successor.following();
  line.silence();
  await successor.promote();
  const { userId, sessionId } = opened.session;
  const now = world.clock.now();
  const how = { userId, sessionId, reason: 'LOGGED_OUT', now } as const;
  const elsewhere = await RedisStores.open(singleRedis(successor.port));
  await elsewhere.sessions.end({ ...how, tombstoneTtlMs: 60_000 });
  const revision = await elsewhere.log.append(
    { kind: 'session', ...how, endedAt: now, expiresAt: now + 60_000 },
    now,
  );
  elsewhere.close();
  return revision;
}

/** Appends an entry to the log of the old primary. No replica confirms it. */
async function logHere(userId: string, sessionId: string): Promise<void> {
  const here = await RedisStores.open(singleRedis(old.port));
  const now = world.clock.now();
  const times = { endedAt: now, expiresAt: now + 60_000 };
  await here.log.append({ kind: 'session', userId, sessionId, reason: 'RISK', ...times }, now);
  here.close();
}

async function threeRounds(): Promise<void> {
  const until = rounds + 3;
  await eventually(() => rounds >= until);
}

/** `accepted`, the reason of a rejection, or the reason of a failure. */
async function answerTo(requirements: Requirements): Promise<string> {
  const verdict = world.tokens.validate(opened.tokens.accessToken, requirements);
  const outcome = await outcomeOf(Promise.resolve(verdict));
  if (outcome !== 'ok') return outcome;
  const answer = await verdict;
  return answer.verdict.kind === 'accepted' ? 'accepted' : answer.verdict.reason;
}

describe('a server that is cut off with an old primary, with a replica to wait for', () => {
  beforeEach(() => serve(1));

  test('states an as_of before the end that it cannot know', async () => {
    const before = world.follower.asOf;
    await endElsewhere();
    world.clock.advance(MAX_STALENESS);
    await threeRounds();
    const { asOf, verdict } = await world.tokens.validate(opened.tokens.accessToken, BOUNDED);
    expect({ verdict: verdict.kind, asOf }).toEqual({ verdict: 'accepted', asOf: before });
  });

  test('answers UNAVAILABLE once its as_of is older than the bound', async () => {
    await endElsewhere();
    world.clock.advance(MAX_STALENESS + 1);
    await threeRounds();
    expect(await answerTo(BOUNDED)).toBe('STORE_UNAVAILABLE');
  });

  test('does not use session records', async () => {
    await endElsewhere();
    expect(await answerTo(STRONG)).toBe('STORE_UNAVAILABLE');
  });

  test('does not answer for a revision that it does not have', async () => {
    const atLeastRevision = await endElsewhere();
    expect(await answerTo({ ...BOUNDED, atLeastRevision })).toBe('STORE_UNAVAILABLE');
    expect(await answerTo({ ...STRONG, atLeastRevision })).toBe('STORE_UNAVAILABLE');
  });

  test('does not count an end of its own as a revision that it does not have', async () => {
    const atLeastRevision = await endElsewhere();
    const { userId } = opened.session;
    await logHere(userId, ids.next(world.clock.now()));
    await eventually(() => world.follower.size === 1);
    await threeRounds();
    expect(await answerTo({ ...BOUNDED, atLeastRevision })).toBe('STORE_UNAVAILABLE');
  });

  test('still applies at once what the old primary logs', async () => {
    await endElsewhere();
    await logHere(opened.session.userId, opened.session.sessionId);
    await eventually(async () => (await answerTo(BOUNDED)) === 'SESSION_ENDED');
  });
});

describe('a server whose replica answers again', () => {
  beforeEach(() => serve(1));

  test('recovers without a restart', async () => {
    await successor.following();
    line.silence();
    world.clock.advance(MAX_STALENESS + 1);
    expect(await answerTo(BOUNDED)).toBe('STORE_UNAVAILABLE');
    line.speak();
    await eventually(async () => (await answerTo(BOUNDED)) === 'accepted');
    await eventually(async () => (await answerTo(STRONG)) === 'accepted');
  });
});

describe('a server that is cut off with an old primary and waits for no replica', () => {
  beforeEach(() => serve(0));

  test('uses its records, which is why the number of replicas matters', async () => {
    await endElsewhere();
    await world.settle();
    expect(await answerTo(BOUNDED)).toBe('accepted');
    expect(await answerTo(STRONG)).toBe('accepted');
  });
});

describe('a server that has not yet read a revision', () => {
  beforeEach(() => serve(0));

  test('waits for it, and answers once it has it', async () => {
    const { revision } = await world.sessions.logoutByRefreshToken(opened.tokens.refreshToken);
    expect(await answerTo({ ...BOUNDED, atLeastRevision: revision })).toBe('SESSION_ENDED');
    expect(await answerTo({ ...STRONG, atLeastRevision: revision })).toBe('SESSION_ENDED');
  });
});
