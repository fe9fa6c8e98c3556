import type { Measurement } from '../measurement.ts';
import { type ModuleProcess, startModule } from '../processes.ts';
import { type IssuedToken, Sessions } from '../servers/sessions.ts';
import { type Stand, withStand } from '../servers/stand.ts';
import { quantile } from '../stats.ts';
import { alternate, type Scale } from './rounds.ts';

const SERVERS = 4;
const VALIDATORS = 50;
const VALIDATORS_A_PROCESS = 10;
/** In all rounds together; as many again with validations on every server. */
const LOGOUTS = 200;

/** How long after Logout's answer servers, and validators in other processes, still accept the token. */
export async function revocation({ rounds }: Scale): Promise<readonly Measurement[]> {
  return await withStand(async (stand) => {
    const ports = [stand.latchkey.port];
    while (ports.length < SERVERS) ports.push((await stand.another()).port);
    const each = Math.ceil(LOGOUTS / rounds);
    const lagsMs = await alternate<'validators' | 'servers', readonly number[]>(rounds, {
      validators: () => seenByValidators(stand, ports, each),
      servers: () => seenByServers(stand, ports, each),
    });
    return [
      row(
        `A logout felt by ${VALIDATORS} local validators, p99`,
        lagsMs.validators,
        `${SERVERS} servers on one Redis, ${VALIDATORS / VALIDATORS_A_PROCESS} processes of ${VALIDATORS_A_PROCESS} clients spread over them, ${LOGOUTS} logouts at each server in turn. ` +
          'From when the caller has the answer until a validator has received the revocation and rejected the token',
      ),
      row(
        `A logout felt by ${SERVERS} servers, p99`,
        lagsMs.servers,
        'every server is asked repeatedly, one Validate after the other. From when the caller has the answer until it has the first rejection',
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
      `${how}; p50 ${ms(quantile(all, 0.5))}, longest ${ms(quantile(all, 1))}. 0: not after the answer.`,
    ],
    details: {
      rounds: roundsMs.map((lags) => ({
        count: lags.length,
        p50Ms: quantile(lags, 0.5),
        p99Ms: quantile(lags, 0.99),
        maxMs: quantile(lags, 1),
      })),
    },
  };
}

async function seenByValidators(stand: Stand, ports: readonly number[], logouts: number): Promise<number[]> {
  const tokens = (await Sessions.open(stand, logouts)).issuedTokens;
  await using processes = new AsyncDisposableStack();
  const validators: ModuleProcess<typeof import('../load/validators.ts')>[] = [];
  for (let first = 0; first < VALIDATORS; first += VALIDATORS_A_PROCESS) {
    const load = startModule<typeof import('../load/validators.ts')>('load/validators.ts');
    validators.push(processes.use(load));
    const own = Array.from(
      { length: VALIDATORS_A_PROCESS },
      (_, index) => ports[(first + index) % ports.length] ?? 0,
    );
    await load.call('start', { ports: own, tokens });
  }
  const { answeredAtMs } = await logOutAll(ports, tokens, false);
  const answeredAt = new Map(tokens.map(({ sessionId }, index) => [sessionId, answeredAtMs[index]]));
  const seen = await Promise.all(validators.map((load) => load.call('finish')));
  return seen
    .flat()
    .map(({ sessionId, atMs }) => Math.max(0, atMs - (answeredAt.get(sessionId) ?? Number.NaN)));
}

async function seenByServers(stand: Stand, ports: readonly number[], logouts: number): Promise<number[]> {
  const tokens = (await Sessions.open(stand, logouts)).issuedTokens;
  const { answeredAtMs, rejectedAtMs } = await logOutAll(ports, tokens, true);
  return rejectedAtMs.flatMap((servers, index) =>
    servers.map((atMs) => Math.max(0, atMs - (answeredAtMs[index] ?? Number.NaN))),
  );
}

async function logOutAll(ports: readonly number[], tokens: readonly IssuedToken[], poll: boolean) {
  const accessTokens = tokens.map(({ accessToken }) => accessToken);
  await using load = startModule<typeof import('../load/logouts.ts')>('load/logouts.ts');
  return await load.call('logOut', { ports, accessTokens, poll });
}
