import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogoutResult } from '../load/logouts.ts';
import { type Measurement, thousands } from '../measurement.ts';
import { type ModuleProcess, startModule } from '../processes.ts';
import { type IssuedToken, Sessions } from '../servers/sessions.ts';
import { type Stand, withStand } from '../servers/stand.ts';
import { quantile } from '../stats.ts';
import type { Scale } from './rounds.ts';

const WATCHERS = 10_000;
const WATCHER_PROCESSES = 2;
/** In all rounds together. */
const LOGOUTS = 600;

type Watchers = ModuleProcess<typeof import('../load/session-watchers.ts')>;

/** Measures the time from a logout at one server until the watcher at another server has received the end. */
export async function watchSession({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    await using processes = new AsyncDisposableStack();
    const watched = await stand.another();
    const tokens = (await Sessions.open(stand, WATCHERS)).issuedTokens;
    const idleMb = residentMb(watched.pid);
    const watchers = await watchAll(processes, watched.port, tokens);
    const kilobytesEach = ((residentMb(watched.pid) - idleMb) / WATCHERS) * 1_000;
    const cpuShare = await cpuShareOf(watched.pid, seconds);
    const roundsMs: (readonly number[])[] = [];
    const logoutsPerRound = Math.ceil(LOGOUTS / rounds);
    for (let round = 0; round < rounds; round += 1) {
      const ending = tokens.slice(round * logoutsPerRound, (round + 1) * logoutsPerRound);
      roundsMs.push(await lagsOf(stand, watchers, ending));
    }
    for (const load of watchers) await load.call('stop');
    return row(roundsMs, kilobytesEach, cpuShare);
  });
}

function row(roundsMs: readonly (readonly number[])[], kilobytesEach: number, cpuShare: number): Measurement {
  const all = roundsMs.flat();
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return {
    what: `A logout pushed to a watcher among ${thousands(WATCHERS)}, p99`,
    unit: 'ms',
    measured: roundsMs.map((lags) => quantile(lags, 0.99)),
    bar: { kind: 'at most', value: 10 },
    notes: [
      `${thousands(LOGOUTS)} logouts, one after the other, at one server; all streams of WatchSession are at another one. ` +
        'From when Logout is sent until the watcher has received the end; ' +
        `p50 ${ms(quantile(all, 0.5))}, longest ${ms(quantile(all, 1))}. With the default heartbeats a watcher costs the server ` +
        `${kilobytesEach.toFixed(0)} kB of memory, and all of them ${(cpuShare * 100).toFixed(1)} % of a core.`,
    ],
    details: {
      kilobytesEach,
      cpuShare,
      rounds: roundsMs.map((lags) => ({
        count: lags.length,
        p50Ms: quantile(lags, 0.5),
        p99Ms: quantile(lags, 0.99),
        maxMs: quantile(lags, 1),
      })),
    },
  };
}

/** Opens one stream for each token, spread over processes. */
async function watchAll(
  processes: AsyncDisposableStack,
  port: number,
  tokens: readonly IssuedToken[],
): Promise<readonly Watchers[]> {
  const loads: Watchers[] = [];
  for (let index = 0; index < WATCHER_PROCESSES; index += 1) {
    const load = startModule<typeof import('../load/session-watchers.ts')>('load/session-watchers.ts');
    loads.push(processes.use(load));
    const own = tokens.filter((token) => processOf(token) === index);
    await load.call('start', { port, accessTokens: own.map(({ accessToken }) => accessToken) });
  }
  return loads;
}

/** Which process watches the session: by the last digit of its id, which is random. */
function processOf({ sessionId }: IssuedToken): number {
  return Number.parseInt(sessionId.slice(-1), 16) % WATCHER_PROCESSES;
}

async function lagsOf(
  stand: Stand,
  watchers: readonly Watchers[],
  ending: readonly IssuedToken[],
): Promise<readonly number[]> {
  const { askedAtMs } = await logOut(stand, ending);
  const seen = await Promise.all(
    watchers.map((load, index) =>
      load.call('take', ending.filter((token) => processOf(token) === index).length),
    ),
  );
  const askedAt = new Map(ending.map(({ sessionId }, index) => [sessionId, askedAtMs[index]]));
  return seen.flat().map(({ sessionId, atMs }) => atMs - (askedAt.get(sessionId) ?? Number.NaN));
}

async function logOut({ latchkey }: Stand, ending: readonly IssuedToken[]): Promise<LogoutResult> {
  const accessTokens = ending.map(({ accessToken }) => accessToken);
  await using load = startModule<typeof import('../load/logouts.ts')>('load/logouts.ts');
  return await load.call('logOut', { ports: [latchkey.port], accessTokens, poll: false });
}

/** Memory of a process in MB; Linux only, like the rest of the bench. */
function residentMb(pid: number): number {
  const [, kilobytes = 'NaN'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_000;
}

/** The share of a core that a process uses. */
async function cpuShareOf(pid: number, seconds: number): Promise<number> {
  const before = cpuTicks(pid);
  await delay(seconds * 1_000);
  // Linux counts in hundredths of a second.
  return (cpuTicks(pid) - before) / 100 / seconds;
}

function cpuTicks(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
  const fields = afterName.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
