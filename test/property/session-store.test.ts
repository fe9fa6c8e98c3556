import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { EndReason } from '../../src/core/audit/end-reason.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionStore } from '../../src/core/session/session-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RedisStores, singleRedis } from '../support/redis-stores.ts';
import { aSession, DAY, HOUR, ids, MINUTE } from '../support/sessions.ts';

/**
 * Memory and Redis take the same steps. After each one they must have the same result and the same state. The memory
 * store follows `decideRotation` and `decideOpening`, and Redis follows its scripts. So this test shows that both are one rule.
 */

let server: RedisServer;
let stores: RedisStores;

beforeAll(async () => {
  server = await RedisServer.start();
  stores = await RedisStores.open(singleRedis(server.port));
});

afterAll(async () => {
  stores.close();
  await server.stop();
});

const GRACE = 30_000;
const IDLE = 2 * HOUR;
const LONGER_THAN_ANY_RUN = 1_000 * DAY;

class World {
  readonly clock = new ManualClock();
  readonly memory = new MemorySessionStore(this.clock, LONGER_THAN_ANY_RUN);
  readonly users = [0, 1].map(() => ({ userId: ids.next(this.clock.now()), securityVersion: 1 }));
  readonly sessions: Session[] = [];

  async agree<T>(step: (store: SessionStore) => Promise<T>): Promise<T> {
    const [inMemory, inRedis] = [await step(this.memory), await step(stores.sessions)];
    expect(inRedis).toEqual(inMemory);
    return inMemory;
  }

  user(index: number) {
    return this.users[index % this.users.length] as { userId: string; securityVersion: number };
  }

  session(index: number): Session | undefined {
    return this.sessions[index % Math.max(1, this.sessions.length)];
  }

  /** Mostly one of the latest sessions of the user, living or not; else any. */
  chosenBy(userId: string, index: number): string {
    const own = this.sessions.filter((session) => session.userId === userId);
    return (own.at(-1 - index) ?? this.session(index))?.sessionId ?? '';
  }

  async holdAlike(): Promise<void> {
    for (const { userId, sessionId } of this.sessions) {
      await this.agree((store) => store.read(userId, sessionId, this.clock.now()));
    }
    for (const { userId } of this.users) {
      await this.agree((store) => store.list(userId, this.clock.now()));
    }
  }
}

type Step = (world: World) => Promise<void>;

const login = fc
  .record({
    who: fc.nat(1),
    device: fc.constantFrom('', 'phone', 'laptop'),
    skewMs: fc.constantFrom(0, 0, 0, -500, 500),
    // Some of these are the same platform.
    platform: fc.constantFrom('', ' ', 'iOS', ' ios', '\u00c4pp', '\u00e4pp'),
    limit: fc.record({
      maxSessions: fc.integer({ min: 1, max: 3 }),
      counted: fc.constantFrom('all', 'all', 'same-platform'),
      atLimit: fc.constantFrom('replace', 'refuse'),
    }),
    chosen: fc.option(fc.nat(5)),
    makesRoom: fc.boolean(),
    isNew: fc.boolean(),
    staleness: fc.constantFrom(0, 0, 1),
  })
  .map(({ who, device, skewMs, platform, limit, chosen, makesRoom, isNew, staleness }): [string, Step] => [
    `login ${who} ${device}${isNew ? ' (new)' : ''} ${skewMs} ${JSON.stringify({ platform, limit, chosen })}${makesRoom ? ', making room' : ''}${staleness ? ', with a stale user' : ''}`,
    async (world) => {
      const user = world.user(who);
      const { userId } = user;
      const securityVersion = Math.max(1, user.securityVersion - staleness);
      const now = world.clock.now();
      const session = aSession(now, {
        ...{ userId, securityVersion, sessionId: ids.next(now + skewMs) },
        device: { deviceId: device, name: 'n', platform },
        idleDeadline: now + IDLE,
        absoluteDeadline: now + 5 * IDLE,
        labels: device === '' ? {} : { app: `${device} "]` },
        isNewDevice: isNew,
      });
      const request = {
        session,
        limit,
        endSessionId: chosen === null ? '' : world.chosenBy(userId, chosen),
        tombstoneTtlMs: LONGER_THAN_ANY_RUN,
        now,
      };
      const outcome = await world.agree((store) => store.create(request));
      if (outcome.kind === 'created') world.sessions.push(session);
      if (outcome.kind !== 'full' || !makesRoom) return;
      for (const sessionId of outcome.toEnd) {
        const end = {
          userId,
          sessionId,
          reason: 'REPLACED' as const,
          tombstoneTtlMs: LONGER_THAN_ANY_RUN,
          now,
        };
        await world.agree((store) => store.end(end));
        await world.agree((store) => store.markLogged(userId, sessionId, `${now}-0`, now));
      }
    },
  ]);

/** The id of an existing session, or another one. */
const aClient = fc.constantFrom('web', 'web', '', 'app');

const refresh = fc
  .record({
    which: fc.nat(9),
    behind: fc.integer({ min: -2, max: 3 }),
    stale: fc.boolean(),
    kept: fc.boolean(),
    clientId: aClient,
    ipAddress: fc.constantFrom('', '192.0.2.7', '2001:db8::1'),
  })
  .map(({ which, behind, stale, kept, clientId, ipAddress }): [string, Step] => [
    `refresh ${which} ${behind} ${clientId} from ${ipAddress}${stale ? ' with a stale user' : ''}${kept ? ', kept' : ''}`,
    async (world) => {
      const session = world.session(which);
      if (session === undefined) return;
      const { userId, sessionId } = session;
      const now = world.clock.now();
      const stored = await world.memory.read(userId, sessionId, now);
      const generation = Math.max(0, (stored.kind === 'live' ? stored.session.generation : 1) - behind);
      const version = world.users.find((user) => user.userId === userId)?.securityVersion ?? 1;
      const request = {
        ...{ userId, sessionId, generation, now, clientId, ipAddress },
        securityVersion: stale ? version - 1 : version,
        outdatedReason: kept ? undefined : ('USER_DISABLED' as const),
        refreshGraceMs: GRACE,
        idleTtlMs: IDLE,
        tombstoneTtlMs: LONGER_THAN_ANY_RUN,
      };
      await world.agree((store) => store.rotate(request));
    },
  ]);

const shorten = fc
  .record({
    which: fc.nat(9),
    ms: fc.constantFrom(0, MINUTE, IDLE, 4 * IDLE, 10 * IDLE),
    foreign: fc.boolean(),
  })
  .map(({ which, ms, foreign }): [string, Step] => [
    `shorten ${which} to ${ms}${foreign ? ' under the other user' : ''}`,
    async (world) => {
      const session = world.session(which);
      if (session === undefined) return;
      const { sessionId } = session;
      const userId = world.users.find((user) => (user.userId === session.userId) !== foreign)?.userId ?? '';
      const now = world.clock.now();
      await world.agree((store) => store.shorten({ userId, sessionId, deadline: now + ms, now }));
    },
  ]);

const logout = fc
  .record({
    which: fc.nat(9),
    marked: fc.boolean(),
    reason: fc.constantFrom<EndReason>('LOGGED_OUT', 'REPLACED', 'RISK'),
  })
  .map(({ which, reason, marked }): [string, Step] => [
    `logout ${which} ${reason}${marked ? '' : ', not marked as logged'}`,
    async (world) => {
      const session = world.session(which);
      if (session === undefined) return;
      const { userId, sessionId } = session;
      const now = world.clock.now();
      const request = { userId, sessionId, reason, tombstoneTtlMs: LONGER_THAN_ANY_RUN, now };
      await world.agree((store) => store.end(request));
      if (marked) await world.agree((store) => store.markLogged(userId, sessionId, `${now}-0`, now));
    },
  ]);

const endById = fc
  .record({ which: fc.nat(9), foreign: fc.boolean(), marked: fc.boolean() })
  .map(({ which, foreign, marked }): [string, Step] => [
    `end ${which} by its id${foreign ? ' under the other user' : ''}${marked ? '' : ', not marked as logged'}`,
    async (world) => {
      const session = world.session(which);
      if (session === undefined) return;
      const { sessionId } = session;
      const userId = world.users.find((user) => (user.userId === session.userId) !== foreign)?.userId ?? '';
      const now = world.clock.now();
      const reason = 'ENDED_BY_USER' as const;
      const request = { userId, sessionId, reason, tombstoneTtlMs: LONGER_THAN_ANY_RUN, now };
      await world.agree((store) => store.endKnown(request));
      if (marked) await world.agree((store) => store.markLogged(userId, sessionId, `${now}-0`, now));
    },
  ]);

const endOthers = fc
  .record({ which: fc.nat(9), marked: fc.boolean() })
  .map(({ which, marked }): [string, Step] => [
    `end all but ${which}${marked ? '' : ', not marked as logged'}`,
    async (world) => {
      const session = world.session(which);
      if (session === undefined) return;
      const { userId, sessionId: keptSessionId } = session;
      const now = world.clock.now();
      const reason = 'ENDED_BY_USER' as const;
      const request = { userId, keptSessionId, reason, tombstoneTtlMs: LONGER_THAN_ANY_RUN, now };
      const ended = await world.agree((store) => store.endOthers(request));
      const living = await world.agree((store) => store.list(userId, now));
      expect(living.filter(({ sessionId }) => sessionId !== keptSessionId)).toEqual([]);
      if (!marked) return;
      for (const { sessionId } of ended) {
        await world.agree((store) => store.markLogged(userId, sessionId, `${now}-0`, now));
      }
    },
  ]);

const endOutdated = fc
  .record({ which: fc.nat(9), raise: fc.constantFrom(0, 1, 1), marked: fc.boolean() })
  .map(({ which, raise, marked }): [string, Step] => [
    `change the password, keeping ${which}${raise ? '' : ', again'}${marked ? '' : ', not marked as logged'}`,
    async (world) => {
      const kept = world.session(which);
      const user = world.users.find(({ userId }) => userId === kept?.userId);
      if (kept === undefined || user === undefined) return;
      user.securityVersion += raise;
      const { userId, securityVersion } = user;
      const now = world.clock.now();
      const request = {
        ...{ userId, securityVersion, keptSessionId: kept.sessionId, reason: 'PASSWORD_CHANGED' as const },
        ...{ tombstoneTtlMs: LONGER_THAN_ANY_RUN, cutoffTtlMs: LONGER_THAN_ANY_RUN, now },
      };
      const ended = await world.agree((store) => store.endOutdated(request));
      const living = await world.agree((store) => store.list(userId, now));
      expect(living.filter((session) => session.securityVersion < securityVersion)).toEqual([]);
      if (!marked) return;
      for (const { sessionId } of ended) {
        await world.agree((store) => store.markLogged(userId, sessionId, `${now}-0`, now));
      }
    },
  ]);

const endUser = fc
  .record({ who: fc.nat(1), ago: fc.constantFrom(0, 0, MINUTE) })
  .map(({ who, ago }): [string, Step] => [
    `end user ${who}${ago > 0 ? ' as of a minute ago' : ''}`,
    async (world) => {
      const user = world.user(who);
      const now = world.clock.now();
      if (ago === 0) user.securityVersion += 1;
      const request = {
        userId: user.userId,
        securityVersion: ago === 0 ? user.securityVersion : 0,
        reason: 'PASSWORD_CHANGED' as const,
        tombstoneTtlMs: LONGER_THAN_ANY_RUN,
        cutoffTtlMs: LONGER_THAN_ANY_RUN,
        now,
        ...(ago === 0 ? {} : { createdUpTo: now - ago }),
      };
      await world.agree((store) => store.endUser(request));
    },
  ]);

/** Like a store restored from a backup made before the user's sessions ended. */
const lostEnd = fc.nat(1).map((who): [string, Step] => [
  `lose the end of all sessions of user ${who}`,
  async (world) => {
    world.user(who).securityVersion += 1;
  },
]);

const wait = fc
  .constantFrom(1, 500, GRACE, GRACE + 1, MINUTE, IDLE - 1, IDLE)
  .map((ms): [string, Step] => [`wait ${ms}`, async (world) => world.clock.advance(ms)]);

describe('the session stores', () => {
  test('agree step by step on login, refresh, replay, logout, cut-offs and the passing of time', async () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: login },
        { weight: 6, arbitrary: refresh },
        shorten,
        logout,
        endById,
        endOthers,
        endOutdated,
        endUser,
        lostEnd,
        {
          weight: 2,
          arbitrary: wait,
        },
      ),
      { minLength: 5, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const world = new World();
        for (const [, step] of taken) {
          await step(world);
          await world.holdAlike();
        }
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});
