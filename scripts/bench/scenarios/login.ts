import { readFileSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { PaceResult } from '../load/pace.ts';
import type { Measurement } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { type Stand, withStand } from '../servers/stand.ts';
import { quantile, rateBetween } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

/** Concurrent logins: the default queue capacity of one thread. */
const LOGINS_IN_FLIGHT = 32;
/** The default of LATCHKEY_BCRYPT_THREADS. Set explicitly, so that both sides have the same. */
const BCRYPT_THREADS = Math.max(1, availableParallelism() - 1);
/** The priority of the service's threads. */
const BCRYPT_NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/** Login against bcrypt alone, at the default cost and at a low one, at which everything else weighs more. */
export async function login(scale: Scale): Promise<readonly Measurement[]> {
  return [await loginAtCost(12, scale), await loginAtCost(10, scale)];
}

async function loginAtCost(cost: number, { rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    // The queue is drained after `seconds`, and those logins count. So bcrypt alone gets the same time.
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

function bcryptSettings(cost: number): Readonly<Record<string, string>> {
  return { LATCHKEY_BCRYPT_COST: String(cost), LATCHKEY_BCRYPT_THREADS: String(BCRYPT_THREADS) };
}

/** Keeps logins in progress, from another process, during `work`. */
async function duringLogins<Result>({ latchkey, people }: Stand, work: () => Promise<Result>) {
  await using load = startModule<typeof import('../load/logins.ts')>('load/logins.ts');
  await load.call('start', { port: latchkey.port, credentials: people, inFlight: LOGINS_IN_FLIGHT });
  const result = await work();
  return { result, answeredAtMs: await load.call('finish') };
}

const STORM_COST = 12;
const CALLS_PER_SECOND = 800;
const STORM_SESSIONS = 16;

interface Window extends PaceResult {
  readonly loginsAnswered: number;
  readonly loginsPerSecond: number;
}

/** Latency of Validate without logins, and during a login storm. */
export async function loginStorm({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  return await withStand(async (stand) => {
    const sessions = await Sessions.open(stand, STORM_SESSIONS);
    // Taken before the login storm, so that the second half also uses new tokens.
    const seenTokens = sessions.accessTokens;
    const newPerWindow = Math.ceil((CALLS_PER_SECOND * seconds) / 2);
    // One more window than needed: the first one warms up the service and is dropped.
    const tokenFile = await sessions.makeTokens('tokens', newPerWindow * (2 * rounds + 1));
    const newTokens = readFileSync(tokenFile, 'latin1').trimEnd().split('\n');
    const probe = async (): Promise<PaceResult> => {
      await using load = startModule<typeof import('../load/pace.ts')>('load/pace.ts');
      return await load.call('pace', {
        port: stand.latchkey.port,
        perSecond: CALLS_PER_SECOND,
        seconds,
        seenTokens,
        newTokens: newTokens.splice(0, newPerWindow),
      });
    };

    await probe();
    const results = await alternate<'idle' | 'storm', Window>(rounds, {
      idle: async () => ({ ...(await probe()), loginsAnswered: 0, loginsPerSecond: 0 }),
      storm: async () => {
        const { result, answeredAtMs } = await duringLogins(stand, probe);
        return { ...result, loginsAnswered: answeredAtMs.length, loginsPerSecond: rateBetween(answeredAtMs) };
      },
    });
    return [
      stormRow('Validate p99 in a login storm, tokens seen before', results, (window) => window.seenMs),
      stormRow('Validate p99 in a login storm, tokens new', results, (window) => window.newMs),
    ];
  }, bcryptSettings(STORM_COST));
}

function stormRow(
  what: string,
  results: Record<'idle' | 'storm', readonly Window[]>,
  latencies: (window: Window) => readonly number[],
): Measurement {
  const p99 = (window: Window): number => quantile(latencies(window), 0.99);
  const summary = (window: Window): Record<string, number> => ({
    calls: latencies(window).length,
    p50Ms: quantile(latencies(window), 0.5),
    p99Ms: p99(window),
    p999Ms: quantile(latencies(window), 0.999),
    maxMs: quantile(latencies(window), 1),
    sentLateP99Ms: quantile(window.lateMs, 0.99),
    loginsAnswered: window.loginsAnswered,
    loginsPerSecond: window.loginsPerSecond,
  });
  return {
    what,
    unit: 'ms',
    measured: results.storm.map(p99),
    reference: { name: 'idle', values: results.idle.map(p99) },
    bar: { kind: 'ratio at most', value: 2 },
    notes: [
      `${CALLS_PER_SECOND} calls a second at a steady pace, every other one with a new token, from a process of their own; ` +
        `the storm is ${LOGINS_IN_FLIGHT} logins in flight at bcrypt cost ${STORM_COST}.`,
    ],
    details: { idle: results.idle.map(summary), storm: results.storm.map(summary) },
  };
}
