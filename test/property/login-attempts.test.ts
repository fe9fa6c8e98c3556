import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryLoginAttempts } from '../../src/adapters/memory/memory-login-attempts.ts';
import type { Attempt, LoginAttempts } from '../../src/core/sign-in/login-attempts.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { anAttempt, reserved } from '../support/attempts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { FAILURES_PER_NETWORK, RedisStores, singleRedis } from '../support/redis-stores.ts';
import { ids, MINUTE } from '../support/sessions.ts';

/** Memory follows `decideAttempt`; Redis follows its scripts. They take the same steps and must answer alike. */

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

class World {
  readonly clock = new ManualClock();
  readonly memory = new MemoryLoginAttempts(loginLimits(FAILURES_PER_NETWORK));
  readonly userIds = [0, 1].map(() => ids.next(this.clock.now()));
  readonly networks = [0, 1].map(() => ids.next(this.clock.now()));
  readonly deviceIds = [0, 1].map(() => ids.next(this.clock.now()));
  readonly admitted: Attempt[] = [];

  async agree<T>(step: (attempts: LoginAttempts) => Promise<T>): Promise<T> {
    const [inMemory, inRedis] = [await step(this.memory), await step(stores.attempts)];
    expect(inRedis).toEqual(inMemory);
    return inMemory;
  }
}

type Step = (world: World) => Promise<void>;

const reserve = fc
  .record({
    who: fc.nat(1),
    where: fc.option(fc.nat(1), { nil: undefined }),
    device: fc.option(fc.nat(1), { nil: undefined, freq: 1 }),
    times: fc.constantFrom(1, 1, 9, 11, 49),
    skewMs: fc.constantFrom(0, 0, 0, -3_000, 3_000),
  })
  .map(({ who, where, device, times, skewMs }): [string, Step] => [
    `reserve ${times} of user ${who} at ${where}, device ${device}, clock ${skewMs}`,
    async (world) => {
      for (let made = 0; made < times; made += 1) {
        const attempt = anAttempt(world.clock.now() + skewMs, {
          userId: world.userIds[who] ?? '',
          network: where === undefined ? undefined : world.networks[where],
          deviceId: device === undefined ? undefined : world.deviceIds[device],
        });
        const outcome = await world.agree((attempts) => reserved(attempts, attempt));
        if (outcome === 'in') world.admitted.push(attempt);
      }
    },
  ]);

const giveBack = fc.nat(99).map((which): [string, Step] => [
  `give back ${which}`,
  async (world) => {
    const [attempt] = world.admitted.splice(which % Math.max(1, world.admitted.length), 1);
    if (attempt === undefined) return;
    const now = world.clock.now();
    await world.agree((attempts) => attempts.giveBack({ ...attempt, now }));
  },
]);

const lift = fc
  .nat(1)
  .map((who): [string, Step] => [
    `lift the limits of user ${who}`,
    (world) => world.agree((attempts) => attempts.lift(world.userIds[who] ?? '')),
  ]);

const wait = fc
  .constantFrom(1, 999, 1_000, 1_001, 5_000, 30_000, MINUTE, 10 * MINUTE, 60 * MINUTE)
  .map((ms): [string, Step] => [`wait ${ms}`, async (world) => world.clock.advance(ms)]);

test('memory and Redis agree on login attempts, step by step', async () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: reserve },
      { weight: 3, arbitrary: giveBack },
      { weight: 4, arbitrary: wait },
      lift,
    ),
    { minLength: 5, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const world = new World();
      for (const [, step] of taken) await step(world);
    }),
    { numRuns: 100 },
  );
}, 120_000);
