import type { Measurement } from '../measurement.ts';
import type { ArmName, ArmRun } from '../peers/caller.ts';
import { installPeers } from '../peers/peer-modules.ts';
import { type ModuleProcess, startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { withStand } from '../servers/stand.ts';
import { alternate, type Scale } from './rounds.ts';

/** Credentials that every arm uses. */
const IN_USE = 64;
/** Credentials that are logged out at the end. Many, because an acceptance after the logout is rare. */
const LOGOUTS = 1_000;
const COUNT = IN_USE + LOGOUTS;
const WARM_UP_SECONDS = 1;

const NAMES: Readonly<Record<ArmName, string>> = {
  'latchkey-local': 'latchkey, client in local mode',
  'latchkey-remote': 'latchkey, client in remote mode',
  'latchkey-rpc': 'latchkey, a Validate call each',
  'express-session': 'express-session with connect-redis',
  'fastify-jwt': '@fastify/jwt and a GET of the session',
  'fastify-jwt-alone': '@fastify/jwt alone',
  'oidc-provider': 'oidc-provider, token introspection',
};
const NOTES: Readonly<Partial<Record<ArmName, string>>> = {
  'express-session':
    'the middleware from the cookie to next(), set up as connect-redis documents it, but without EXPIRE at the end of every request.',
  'fastify-jwt':
    'app.jwt.verify with EdDSA and its cache on, and a GET through ioredis with auto-pipelining, without HTTP.',
  'fastify-jwt-alone': 'the same without the GET. No logout takes effect before the token expires.',
  'oidc-provider':
    'a separate process with tokens and grants in Redis, called over persistent HTTP connections by a client that authenticates itself. A logout revokes the token.',
};

const ARMS = Object.keys(NAMES) as ArmName[];

/** The comparison of validation modes. */
export async function peers({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  installPeers();
  return await withStand(
    async (stand) => {
      await using opened = new AsyncDisposableStack();
      const oidc = opened.use(
        startModule<typeof import('../peers/oidc-provider.ts')>('peers/oidc-provider.ts'),
      );
      const setup = {
        redisUrl: stand.redis.url,
        count: COUNT,
        latchkeyPort: stand.latchkey.port,
        oidcProvider: await oidc.call('startOidcProvider', stand.redis.url, COUNT),
      };
      const callers = {} as Record<ArmName, ModuleProcess<typeof import('../peers/caller.ts')>>;
      for (const arm of ARMS) {
        const caller = startModule<typeof import('../peers/caller.ts')>('peers/caller.ts');
        callers[arm] = opened.use(caller);
        const tokens = arm.startsWith('latchkey-') ? (await Sessions.open(stand, COUNT)).issuedTokens : [];
        await caller.call('open', arm, { ...setup, tokens });
        await caller.call('measure', WARM_UP_SECONDS, IN_USE);
      }
      const arms = ARMS.map((arm) => [arm, () => callers[arm].call('measure', seconds, IN_USE)] as const);
      const results = await alternate<ArmName, ArmRun>(
        rounds,
        Object.fromEntries(arms) as Record<ArmName, () => Promise<ArmRun>>,
      );
      const rows: Measurement[] = [];
      for (const arm of ARMS) {
        rows.push(row(arm, results[arm], await callers[arm].call('logOutTheRest', IN_USE)));
      }
      return [...rows, ...remoteMode(results)];
    },
    { LATCHKEY_MAX_SESSIONS_PER_USER: '1000' },
  );
}

/** The bars of remote mode, against the session store that most Node services use. */
function remoteMode(results: Readonly<Record<ArmName, readonly ArmRun[]>>): readonly Measurement[] {
  const name = 'Client in remote mode, 32 in flight';
  return [
    {
      what: name,
      unit: 'per second',
      measured: rates(results['latchkey-remote']),
      reference: { name: NAMES['express-session'], values: rates(results['express-session']) },
      bar: { kind: 'ratio at least', value: 1 },
      notes: ['from the same runs as the second table.'],
      details: {},
    },
    {
      what: `${name}, CPU of the caller for each`,
      unit: 'us',
      measured: results['latchkey-remote'].map(({ cpuUs }) => cpuUs),
      bar: { kind: 'at most', value: 20 },
      notes: [],
      details: {},
    },
  ];
}

/** Validations a second. */
function rates(runs: readonly ArmRun[]): readonly number[] {
  return runs.map((run) => run.validations / run.seconds);
}

function row(
  arm: ArmName,
  runs: readonly ArmRun[],
  acceptedForMs: readonly number[] | undefined,
): Measurement {
  const note = NOTES[arm];
  return {
    what: NAMES[arm],
    unit: 'per second',
    measured: rates(runs),
    notes: note === undefined ? [] : [note],
    peer: {
      p50Us: runs.map((run) => run.p50Us),
      p99Us: runs.map((run) => run.p99Us),
      cpuUs: runs.map((run) => run.cpuUs),
      ...(acceptedForMs === undefined ? {} : { acceptedForMs }),
    },
    details: { runs },
  };
}
