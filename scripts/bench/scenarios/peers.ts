import type { Measurement, PeerFigures } from '../measurement.ts';
import { ARMS, type ArmName, type ArmRun, type ArmSetup, type Credential } from '../peers/arm.ts';
import { type Caller, startCaller } from '../peers/caller.ts';
import { type OidcProvider, startOidcProvider } from '../peers/oidc-provider.ts';
import { installPeers } from '../peers/peer-modules.ts';
import { tokensOfNewSessions } from '../servers/access-tokens.ts';
import { QUICK_COST, type Stand, withStand } from '../servers/stand.ts';
import { alternate, type Scale } from './rounds.ts';

/** Credentials in use by every arm, and those that are logged out in the end: many, since a yes after that is rare. */
const IN_USE = 64;
const LOGOUTS = 1_000;
const COUNT = IN_USE + LOGOUTS;
const WARM_UP_SECONDS = 1;

const names: Readonly<Record<ArmName, string>> = {
  'latchkey-local': 'latchkey, client in local mode',
  'latchkey-remote': 'latchkey, client in remote mode',
  'latchkey-rpc': 'latchkey, a Validate call each',
  'express-session': 'express-session with connect-redis',
  'fastify-jwt': '@fastify/jwt and a GET of the session',
  'fastify-jwt-alone': '@fastify/jwt alone',
  'oidc-provider': 'oidc-provider, token introspection',
};
const notes: Readonly<Partial<Record<ArmName, string>>> = {
  'express-session':
    'the middleware from the cookie to next(), set up as connect-redis says; EXPIRE at the end of every request is left out.',
  'fastify-jwt':
    'app.jwt.verify with EdDSA and its cache on, and a GET through ioredis with auto-pipelining; no HTTP.',
  'fastify-jwt-alone': 'the same without the look-up: there is no logout before the token expires.',
  'oidc-provider':
    'a process of its own, tokens and grants in Redis, asked over kept HTTP connections by a client that authenticates itself; logging out is revoking the token.',
};

/** What services use instead, side by side. */
export async function peers({ rounds, seconds }: Scale): Promise<readonly Measurement[]> {
  installPeers();
  const settings = { LATCHKEY_BCRYPT_COST: String(QUICK_COST), LATCHKEY_MAX_SESSIONS_PER_USER: '1000' };
  return await withStand(settings, async (stand) => {
    await using opened = new AsyncDisposableStack();
    const provider = await startOidcProvider(stand.redis.url, COUNT);
    opened.defer(() => provider.stop());
    const callers = {} as Record<ArmName, Caller>;
    for (const arm of ARMS) {
      const caller = await startCaller(arm, await setupOf(arm, stand, provider));
      opened.defer(() => caller.stop());
      await caller.measure(WARM_UP_SECONDS);
      callers[arm] = caller;
    }
    const arms = Object.fromEntries(ARMS.map((arm) => [arm, () => callers[arm].measure(seconds)]));
    const results = await alternate<ArmName, ArmRun>(rounds, arms as Record<ArmName, () => Promise<ArmRun>>);

    const rows: Measurement[] = [];
    for (const arm of ARMS) rows.push(row(arm, results[arm], await callers[arm].logOut()));
    return rows;
  });
}

function row(arm: ArmName, runs: readonly ArmRun[], stillYesMs: readonly number[] | undefined): Measurement {
  const note = notes[arm];
  const peer: PeerFigures = {
    p50Us: runs.map((run) => run.p50Us),
    p99Us: runs.map((run) => run.p99Us),
    cpuUs: runs.map((run) => run.cpuUs),
    ...(stillYesMs === undefined ? {} : { stillYesMs }),
  };
  return {
    what: names[arm],
    unit: 'per second',
    measured: runs.map((run) => run.validations / run.seconds),
    bar: { kind: 'none' },
    notes: note === undefined ? [] : [note],
    peer,
    details: { runs },
  };
}

async function setupOf(arm: ArmName, stand: Stand, provider: OidcProvider): Promise<ArmSetup> {
  const setup = { redisUrl: stand.redis.url, count: COUNT };
  if (arm === 'oidc-provider') {
    const { port, credentials, clients } = provider;
    return { ...setup, service: { port, credentials, clients } };
  }
  if (!arm.startsWith('latchkey-')) return setup;
  return { ...setup, service: { port: stand.latchkey.port, credentials: await signedIn(stand) } };
}

async function signedIn(stand: Stand): Promise<readonly Credential[]> {
  const tokens = await tokensOfNewSessions(stand, COUNT);
  return tokens.map(({ accessToken, userId }) => ({ text: accessToken, userId }));
}
