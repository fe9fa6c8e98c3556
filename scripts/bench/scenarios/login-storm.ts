import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BCRYPT_THREADS } from '../bcrypt-alone.ts';
import type { PaceResult } from '../jobs/job.ts';
import { runJob, startJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { withStand } from '../servers/stand.ts';
import { quantile, rateBetween } from '../stats.ts';
import { LOGINS_IN_FLIGHT } from './login.ts';
import { alternate, type Scale } from './rounds.ts';

const COST = 12;
const CALLS_PER_SECOND = 800;
const SESSIONS = 16;

interface Window extends PaceResult {
  readonly loginsAnswered: number;
  readonly loginsPerSecond: number;
}

/** How long Validate takes while nobody signs in, and while everybody does. */
export async function loginStorm({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  const settings = { LATCHKEY_BCRYPT_COST: String(COST), LATCHKEY_BCRYPT_THREADS: String(BCRYPT_THREADS) };
  return await withStand(settings, async (stand) => {
    const sessions = await stand.people.openSessions(SESSIONS);
    const newPerWindow = Math.ceil((CALLS_PER_SECOND * seconds) / 2);
    const tokenFile = path.join(stand.folder, 'tokens.txt');
    await runJob<'refresh'>({
      kind: 'refresh',
      port: stand.latchkey.port,
      refreshTokens: sessions.map((tokens) => tokens.refreshToken),
      // One window more: the first is thrown away, it warms the service up.
      until: { refreshes: newPerWindow * (2 * rounds + 1) },
      tokenFile,
      serverPid: stand.latchkey.pid,
    });
    const newTokens = readFileSync(tokenFile, 'latin1').trimEnd().split('\n');
    const probe = async (): Promise<PaceResult> =>
      await runJob<'pace'>({
        kind: 'pace',
        port: stand.latchkey.port,
        perSecond: CALLS_PER_SECOND,
        seconds,
        // From the logins: what was minted last is in the file of new tokens too.
        seenTokens: sessions.map((tokens) => tokens.accessToken),
        newTokens: newTokens.splice(0, newPerWindow),
      });

    await probe();
    const results = await alternate<'idle' | 'storm', Window>(rounds, {
      idle: async () => ({ ...(await probe()), loginsAnswered: 0, loginsPerSecond: 0 }),
      storm: async () => {
        const storm = await startJob<'login'>({
          kind: 'login',
          port: stand.latchkey.port,
          credentials: stand.people.credentials,
          inFlight: LOGINS_IN_FLIGHT,
        });
        const window = await probe();
        const { answeredAtMs } = await storm.finish();
        return { ...window, loginsAnswered: answeredAtMs.length, loginsPerSecond: rateBetween(answeredAtMs) };
      },
    });

    return [
      row('Validate p99 in a login storm, tokens seen before', results, (window) => window.seenMs),
      row('Validate p99 in a login storm, tokens new', results, (window) => window.newMs),
    ];
  });
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
