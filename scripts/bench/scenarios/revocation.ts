import type { ListenResult } from '../jobs/job.ts';
import { runJob, type StartedJob, startJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { type IssuedToken, tokensOfNewSessions } from '../servers/access-tokens.ts';
import { QUICK_COST, type Stand, withStand } from '../servers/stand.ts';
import { quantile } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

const SERVERS = 4;
const LISTENING_PROCESSES = 5;
const VALIDATORS_A_PROCESS = 10;
/** In all rounds together; as many again while every server is asked. */
const LOGOUTS = 200;

/** How long after Logout's answer a session is still believed: by servers, and by validators in other processes. */
export async function revocation({ rounds }: Scale): Promise<readonly Measurement[]> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    const ports = [stand.latchkey.port];
    while (ports.length < SERVERS) ports.push((await stand.another()).port);
    const each = Math.ceil(LOGOUTS / rounds);
    const lagsMs = await alternate<'validators' | 'servers', readonly number[]>(rounds, {
      validators: () => feltByValidators(stand, ports, each),
      servers: () => feltByServers(stand, ports, each),
    });
    const validators = LISTENING_PROCESSES * VALIDATORS_A_PROCESS;
    return [
      row(
        `A logout felt by ${validators} local validators, p99`,
        lagsMs.validators,
        `${SERVERS} servers on one Redis, ${LISTENING_PROCESSES} processes of ${VALIDATORS_A_PROCESS} clients spread over them, ${LOGOUTS} logouts at each server in turn. ` +
          'From the answer as its caller has it to the instant at which a validator has heard of the ending and rejected the token',
      ),
      row(
        `A logout felt by ${SERVERS} servers, p99`,
        lagsMs.servers,
        'every server is asked over and over, one Validate after the other; from the answer to the first rejection as its caller has it',
      ),
    ];
  });
}

function row(what: string, roundsMs: readonly (readonly number[])[], how: string): Measurement {
  const all = roundsMs.flat();
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return {
    what,
    unit: 'ms',
    measured: roundsMs.map((lags) => quantile(lags, 0.99)),
    bar: { kind: 'at most', value: 10 },
    notes: [
      `${how}; p50 ${ms(quantile(all, 0.5))}, longest ${ms(quantile(all, 1))}. 0: no later than the answer.`,
    ],
    details: {
      rounds: roundsMs.map((lags) => ({
        felt: lags.length,
        p50Ms: quantile(lags, 0.5),
        p99Ms: quantile(lags, 0.99),
        maxMs: quantile(lags, 1),
      })),
    },
  };
}

async function feltByValidators(stand: Stand, ports: readonly number[], logouts: number): Promise<number[]> {
  const tokens = await tokensOfNewSessions(stand, logouts);
  const spread = Array.from({ length: LISTENING_PROCESSES * VALIDATORS_A_PROCESS }, (_, validator) => {
    const port = ports[validator % ports.length];
    if (port === undefined) throw new RangeError('no server');
    return port;
  });
  const listeners: StartedJob<ListenResult>[] = [];
  for (let first = 0; first < spread.length; first += VALIDATORS_A_PROCESS) {
    const own = spread.slice(first, first + VALIDATORS_A_PROCESS);
    listeners.push(await startJob<'listen'>({ kind: 'listen', ports: own, tokens }));
  }
  const { answeredAtMs } = await logOutAll(ports, tokens, false);
  const answeredAt = new Map(
    tokens.map(({ sessionId }, index) => [sessionId, answeredAtMs[index] ?? Number.NaN]),
  );
  const results = await Promise.all(listeners.map((listener) => listener.finish()));
  return results.flatMap(({ felt }) =>
    felt.map(({ sessionId, atMs }) => Math.max(0, atMs - (answeredAt.get(sessionId) ?? Number.NaN))),
  );
}

async function feltByServers(stand: Stand, ports: readonly number[], logouts: number): Promise<number[]> {
  const tokens = await tokensOfNewSessions(stand, logouts);
  const { answeredAtMs, rejectedAtMs } = await logOutAll(ports, tokens, true);
  return rejectedAtMs.flatMap((servers, index) =>
    servers.map((atMs) => Math.max(0, atMs - (answeredAtMs[index] ?? Number.NaN))),
  );
}

async function logOutAll(ports: readonly number[], tokens: readonly IssuedToken[], poll: boolean) {
  const accessTokens = tokens.map(({ accessToken }) => accessToken);
  return await runJob<'logouts'>({ kind: 'logouts', ports, accessTokens, poll });
}
