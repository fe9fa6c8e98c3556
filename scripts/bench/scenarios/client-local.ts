import path from 'node:path';
import type { ValidationsJob, ValidationsResult } from '../jobs/job.ts';
import { runJob } from '../jobs/run.ts';
import type { Bar, Measurement } from '../measurement.ts';
import { populate } from '../servers/population.ts';
import { QUICK_COST, type Stand, withStand } from '../servers/stand.ts';
import { median } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

/** As many as the client remembers by default, and half as many. */
const TOKENS = { all: 10_000, half: 5_000 } as const;
const SESSIONS = 128;
const CALLERS = 64;

/** What a service gets that validates with latchkey's client, in a process of its own. */
export async function clientLocal({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    const mint = await minting(stand);
    const all = await mint('all', TOKENS.all);
    const half = await mint('half', TOKENS.half);
    const run = async (how: Pick<ValidationsJob, 'mode' | 'tokenFile' | 'lanes' | 'once' | 'timed'>) =>
      await runJob<'validations'>({ kind: 'validations', port: stand.latchkey.port, seconds, ...how });
    const seen = { mode: 'local', lanes: 1, once: false, timed: true } as const;
    const many = { lanes: CALLERS, timed: false } as const;

    const results = await alternate<'all' | 'half' | 'cold' | 'remote', ValidationsResult>(rounds, {
      all: () => run({ ...seen, tokenFile: all }),
      half: () => run({ ...seen, tokenFile: half }),
      cold: async (round) =>
        await run({ ...many, mode: 'local', tokenFile: await mint(`new-${round}`, TOKENS.all), once: true }),
      remote: () => run({ ...many, mode: 'remote', tokenFile: half, once: false }),
    });
    return [
      ...seenRows(TOKENS.all, results.all, 'as many as the client remembers by default', BARS),
      ...seenRows(TOKENS.half, results.half, 'half as many as it remembers', NO_BARS),
      {
        what: 'Client in local mode, every token new',
        unit: 'per second',
        measured: results.cold.map(rateOf),
        bar: { kind: 'none' },
        notes: [
          `${thousands(TOKENS.all)} tokens once each, ${CALLERS} in flight; signatures are verified in libuv's threads, ` +
            `${coresOf(results.cold)} cores were used.`,
        ],
        details: { runs: results.cold },
      },
      {
        what: `Client in remote mode, ${CALLERS} callers`,
        unit: 'per second',
        measured: results.remote.map(rateOf),
        bar: { kind: 'none' },
        notes: ['one process; what is asked in one turn of its event loop travels as one BatchValidate.'],
        details: { runs: results.remote },
      },
    ];
  });
}

interface Bars {
  readonly rate: Bar;
  readonly p99: Bar;
}
const BARS: Bars = { rate: { kind: 'at least', value: 400_000 }, p99: { kind: 'at most', value: 10 } };
const NO_BARS: Bars = { rate: { kind: 'none' }, p99: { kind: 'none' } };

/** Tokens that were seen before: how many a second, and how long each takes. */
function seenRows(
  tokens: number,
  runs: readonly ValidationsResult[],
  why: string,
  bars: Bars,
): readonly Measurement[] {
  const what = `Client in local mode, ${thousands(tokens)} tokens seen before`;
  const timerUs = median(runs.map((run) => run.timerUs ?? Number.NaN)).toFixed(2);
  return [
    {
      what,
      unit: 'per second',
      measured: runs.map(rateOf),
      bar: bars.rate,
      notes: [
        `in turn, ${why}, a new string each time, with the revocations of a real server; ${coresOf(runs)} cores were used.`,
      ],
      details: { runs },
    },
    {
      what: `${what}, p99`,
      unit: 'us',
      measured: runs.map((run) => run.p99Us ?? Number.NaN),
      bar: bars.p99,
      notes: [`one at a time; reading the clock is part of it, ${timerUs} µs each time.`],
      details: {},
    },
  ];
}

function rateOf(run: ValidationsResult): number {
  return run.validations / run.seconds;
}

function coresOf(runs: readonly ValidationsResult[]): string {
  return median(runs.map((run) => run.cores)).toFixed(2);
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}

/** Makes files of new tokens by refreshing, as any client would get them. */
async function minting(stand: Stand): Promise<(name: string, count: number) => Promise<string>> {
  let { refreshTokens } = await populate(stand, SESSIONS, SESSIONS);
  return async (name, count) => {
    const tokenFile = path.join(stand.folder, `${name}.txt`);
    const minted = await runJob<'refresh'>({
      kind: 'refresh',
      port: stand.latchkey.port,
      refreshTokens,
      until: { refreshes: count },
      tokenFile,
      serverPid: stand.latchkey.pid,
    });
    refreshTokens = minted.refreshTokens;
    return tokenFile;
  };
}
