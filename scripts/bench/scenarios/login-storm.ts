import { readFileSync } from 'node:fs';
import type { PaceResult } from '../load/pace.ts';
import type { Measurement } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { withStand } from '../servers/stand.ts';
import { quantile, rateBetween } from '../stats.ts';
import { bcryptSettings, duringLogins, LOGINS_IN_FLIGHT } from './login.ts';
import { alternate, type Scale } from './rounds.ts';

const COST = 12;
const CALLS_PER_SECOND = 800;
const SESSIONS = 16;

interface Window extends PaceResult {
  readonly loginsAnswered: number;
  readonly loginsPerSecond: number;
}

/** Latency of Validate while nobody signs in, and while everybody does. */
export async function loginStorm({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  return await withStand(async (stand) => {
    const sessions = await Sessions.open(stand, SESSIONS);
    // Taken now: the latest tokens will be among the new ones.
    const seenTokens = sessions.accessTokens;
    const newPerWindow = Math.ceil((CALLS_PER_SECOND * seconds) / 2);
    // One window more: the first warms the service up and is dropped.
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
      row('Validate p99 in a login storm, tokens seen before', results, (window) => window.seenMs),
      row('Validate p99 in a login storm, tokens new', results, (window) => window.newMs),
    ];
  }, bcryptSettings(COST));
}

function row(
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
        `the storm is ${LOGINS_IN_FLIGHT} logins in flight at bcrypt cost ${COST}.`,
    ],
    details: { idle: results.idle.map(summary), storm: results.storm.map(summary) },
  };
}
