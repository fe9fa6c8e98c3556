import { setTimeout as delay } from 'node:timers/promises';
import { BCRYPT_THREADS, bcryptAlone, bcryptThreadsOf } from '../bcrypt-alone.ts';
import { startJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { withStand } from '../servers/stand.ts';
import { rateBetween } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

/** Logins in flight: what the queue of one thread holds by default. */
export const LOGINS_IN_FLIGHT = 32;

/** Login against bcrypt alone, at the default cost and at a cheap one, where all else weighs more. */
export async function login(scale: Scale): Promise<readonly Measurement[]> {
  return [await loginAtCost(12, scale), await loginAtCost(10, scale)];
}

async function loginAtCost(cost: number, { rounds, seconds }: Scale): Promise<Measurement> {
  const settings = {
    LATCHKEY_BCRYPT_COST: String(cost),
    LATCHKEY_BCRYPT_THREADS: String(BCRYPT_THREADS),
  };
  return await withStand(settings, async (stand) => {
    await stand.people.openSessions(1);
    const seen = bcryptThreadsOf(stand.latchkey.pid);
    const threads = seen ?? { count: BCRYPT_THREADS, nice: 0 };

    // The queue is drained after `seconds`, and those logins count: bcrypt alone is given as long.
    const lengths: number[] = [];
    const results = await alternate(rounds, {
      latchkey: async () => {
        const startedAt = performance.now();
        const job = await startJob<'login'>({
          kind: 'login',
          port: stand.latchkey.port,
          credentials: stand.people.credentials,
          inFlight: LOGINS_IN_FLIGHT,
        });
        await delay(seconds * 1000);
        const { answeredAtMs } = await job.finish();
        lengths.push((performance.now() - startedAt) / 1000);
        return answeredAtMs;
      },
      alone: (round) => bcryptAlone({ ...threads, cost, seconds: lengths[round] ?? seconds }),
    });

    return {
      what: `Login, bcrypt cost ${cost}`,
      unit: 'per second',
      measured: results.latchkey.map(rateBetween),
      reference: { name: 'bcrypt alone', values: results.alone.map(rateBetween) },
      bar: { kind: 'ratio at least', value: 0.95 },
      notes: [
        `${LOGINS_IN_FLIGHT} logins in flight; ${threads.count} hashing thread${threads.count === 1 ? '' : 's'} at nice ${threads.nice} on both sides` +
          (seen === undefined ? ' was set, but what the service has could not be seen.' : '.'),
      ],
      details: {
        threads,
        threadsSeen: seen !== undefined,
        logins: results.latchkey.map((times) => times.length),
        comparisons: results.alone.map((times) => times.length),
      },
    };
  });
}
