import type { ClientJob, ClientResult } from '../load/client.ts';
import { type Bar, type Measurement, thousands } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { withStand } from '../servers/stand.ts';
import { median } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

/** The default cache size of the client, and half of it. */
const TOKENS = { all: 10_000, half: 5_000 } as const;
const SESSIONS = 128;
const CALLERS = 64;

/** Validations by a service with the client, in its own process. */
export async function clientLocal({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  return await withStand(async (stand) => {
    const sessions = await Sessions.open(stand, SESSIONS);
    const all = await sessions.makeTokens('all', TOKENS.all);
    const half = await sessions.makeTokens('half', TOKENS.half);
    const run = async (job: Omit<ClientJob, 'port'>): Promise<ClientResult> => {
      await using load = startModule<typeof import('../load/client.ts')>('load/client.ts');
      return await load.call('validateWithClient', { ...job, port: stand.latchkey.port });
    };
    const seen = { mode: 'local', lanes: 1, seconds, timed: true } as const;
    const many = { lanes: CALLERS, timed: false } as const;

    const results = await alternate<'all' | 'half' | 'cold' | 'remote', ClientResult>(rounds, {
      all: () => run({ ...seen, tokenFile: all }),
      half: () => run({ ...seen, tokenFile: half }),
      cold: async (round) =>
        await run({
          ...many,
          mode: 'local',
          tokenFile: await sessions.makeTokens(`new-${round}`, TOKENS.all),
        }),
      remote: () => run({ ...many, mode: 'remote', tokenFile: half, seconds }),
    });
    return [
      ...seenRows(TOKENS.all, results.all, 'as many as the client remembers by default', {
        rate: { kind: 'at least', value: 450_000 },
        p99: { kind: 'at most', value: 10 },
      }),
      ...seenRows(TOKENS.half, results.half, 'half as many as it remembers'),
      rateRow('Client in local mode, every token new', results.cold, [
        `${thousands(TOKENS.all)} tokens once each, ${CALLERS} in flight; signatures are verified in libuv's threads, ` +
          `${coresOf(results.cold)} cores were used.`,
      ]),
      rateRow(`Client in remote mode, ${CALLERS} callers`, results.remote, [
        'one process; the tokens that come during a call travel as one BatchValidate.',
      ]),
    ];
  });
}

/** Cached tokens: how many per second, and the duration of each. */
function seenRows(
  tokens: number,
  runs: readonly ClientResult[],
  why: string,
  bars: { readonly rate?: Bar; readonly p99?: Bar } = {},
): readonly Measurement[] {
  const what = `Client in local mode, ${thousands(tokens)} tokens seen before`;
  const clockUs = median(runs.map(({ timed }) => timed?.clockUs ?? Number.NaN)).toFixed(2);
  const rates = rateRow(what, runs, [
    `in turn, ${why}, a new string each time, with the revocations of a real server; ${coresOf(runs)} cores were used.`,
  ]);
  return [
    { ...rates, bar: bars.rate },
    {
      what: `${what}, p99`,
      unit: 'us',
      measured: runs.map(({ timed }) => timed?.p99Us ?? Number.NaN),
      bar: bars.p99,
      notes: [`one at a time; reading the clock is part of it, ${clockUs} µs each time.`],
      details: {},
    },
  ];
}

function rateRow(what: string, runs: readonly ClientResult[], notes: readonly string[]): Measurement {
  const measured = runs.map((run) => run.validations / run.seconds);
  return { what, unit: 'per second', measured, notes, details: { runs } };
}

function coresOf(runs: readonly ClientResult[]): string {
  return median(runs.map((run) => run.cpuSeconds / run.seconds)).toFixed(2);
}
