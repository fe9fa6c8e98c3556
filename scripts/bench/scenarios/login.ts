import { availableParallelism, constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { type Stand, withStand } from '../servers/stand.ts';
import { rateBetween } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

/** Logins in flight: what the queue of one thread holds by default. */
export const LOGINS_IN_FLIGHT = 32;
/** As LATCHKEY_BCRYPT_THREADS is by default; the bench sets it, so that both sides have the same. */
const BCRYPT_THREADS = Math.max(1, availableParallelism() - 1);
/** The priority that the service gives its threads. */
const BCRYPT_NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/** Login against bcrypt alone, at the default cost and at a low one, where everything else weighs more. */
export async function login(scale: Scale): Promise<readonly Measurement[]> {
  return [await loginAtCost(12, scale), await loginAtCost(10, scale)];
}

async function loginAtCost(cost: number, { rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    // The queue is drained after `seconds`, and those logins count: bcrypt alone is given as long.
    const lengths: number[] = [];
    const results = await alternate(rounds, {
      latchkey: async () => {
        const startedAt = performance.now();
        const { answeredAtMs } = await duringLogins(stand, () => delay(seconds * 1000));
        lengths.push((performance.now() - startedAt) / 1000);
        return answeredAtMs;
      },
      alone: async (round) => {
        await using load = startModule<typeof import('../load/bcrypt.ts')>('load/bcrypt.ts');
        const job = { threads: BCRYPT_THREADS, nice: BCRYPT_NICE, cost, seconds: lengths[round] ?? seconds };
        return await load.call('compareInThreads', job);
      },
    });
    return {
      what: `Login, bcrypt cost ${cost}`,
      unit: 'per second',
      measured: results.latchkey.map(rateBetween),
      reference: { name: 'bcrypt alone', values: results.alone.map(rateBetween) },
      bar: { kind: 'ratio at least', value: 0.95 },
      notes: [
        `${LOGINS_IN_FLIGHT} logins in flight; ${BCRYPT_THREADS} hashing thread${BCRYPT_THREADS === 1 ? '' : 's'} at nice ${BCRYPT_NICE} on both sides.`,
      ],
      details: {
        logins: results.latchkey.map((times) => times.length),
        comparisons: results.alone.map((times) => times.length),
      },
    };
  }, bcryptSettings(cost));
}

export function bcryptSettings(cost: number): Readonly<Record<string, string>> {
  return { LATCHKEY_BCRYPT_COST: String(cost), LATCHKEY_BCRYPT_THREADS: String(BCRYPT_THREADS) };
}

/** Keeps logins in flight, from another process, while `work` is done. */
export async function duringLogins<Result>({ latchkey, people }: Stand, work: () => Promise<Result>) {
  await using load = startModule<typeof import('../load/logins.ts')>('load/logins.ts');
  await load.call('start', { port: latchkey.port, credentials: people, inFlight: LOGINS_IN_FLIGHT });
  const result = await work();
  return { result, answeredAtMs: await load.call('finish') };
}
