import { type H2loadSummary, runHttpLoad } from '../load/h2load.ts';
import type { Measurement } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { startOptions, withStand } from '../servers/stand.ts';
import { alternate, type Scale } from './rounds.ts';

type Servers = typeof import('../servers/bff.ts');

const PATH = '/api/session';
const WARM_UP_REQUESTS = 20_000;

/** Measures a guarded route of the BFF with a good cookie, and the same route of a Fastify server without any guard. */
export async function bff({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    const [token] = (await Sessions.open(stand, 1)).issuedTokens;
    if (token === undefined) throw new Error('there is no session');
    const cookie = `lk_access=${token.accessToken}; lk_refresh=lkr_${'A'.repeat(91)}`;
    await using guarded = startModule<Servers>('servers/bff.ts', startOptions);
    await using unguarded = startModule<Servers>('servers/bff.ts', startOptions);
    const port = await guarded.call('startBff', stand.latchkey.port);
    const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, { headers: { cookie } });
    const text = await answer.text();
    // With instants as the route has them: writing them out is part of both.
    const body = JSON.parse(text, (name, value) => (name.endsWith('At') ? new Date(value) : value));
    if (!body.isSignedIn) throw new Error('the BFF does not accept the cookie');
    const otherPort = await unguarded.call('startUnguarded', PATH, body);
    const bodyBytes = Buffer.byteLength(text);
    const run = async (at: number): Promise<H2loadSummary> => {
      const target = { port: at, path: PATH, cookie, bodyBytes };
      const { requestsPerSecond } = await runHttpLoad({ ...target, requests: WARM_UP_REQUESTS });
      return await runHttpLoad({ ...target, requests: Math.round(requestsPerSecond * seconds) });
    };
    const results = await alternate(rounds, { guarded: () => run(port), unguarded: () => run(otherPort) });
    const rates = (runs: readonly H2loadSummary[]) => runs.map(({ requestsPerSecond }) => requestsPerSecond);
    return {
      what: 'BFF, a guarded route with a good cookie',
      unit: 'per second',
      measured: rates(results.guarded),
      reference: { name: 'the same route of Fastify, unguarded', values: rates(results.unguarded) },
      bar: { kind: 'ratio at least', value: 0.7 },
      notes: [
        `GET ${PATH} over HTTP/1.1 with a cookie of ${Buffer.byteLength(cookie)} bytes; no call of the service. Both answers have the same body and the same security headers.`,
      ],
      details: {},
    };
  });
}
