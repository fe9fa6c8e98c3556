import type { RefreshResult } from '../jobs/job.ts';
import { runJob } from '../jobs/run.ts';
import type { Measurement } from '../measurement.ts';
import { QUICK_COST, withStand } from '../servers/stand.ts';
import type { Scale } from './rounds.ts';

const SESSIONS = 128;
const WARM_UP_REFRESHES = 5_000;

/** Refresh on Redis: every call rotates, and every next one brings the token that the last one gave. */
export async function refresh({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand({ LATCHKEY_BCRYPT_COST: String(QUICK_COST) }, async (stand) => {
    let refreshTokens = (await stand.people.openSessions(SESSIONS)).map((tokens) => tokens.refreshToken);
    const run = async (until: { seconds: number } | { refreshes: number }): Promise<RefreshResult> => {
      const result = await runJob<'refresh'>({
        kind: 'refresh',
        port: stand.latchkey.port,
        refreshTokens,
        until,
        serverPid: stand.latchkey.pid,
      });
      refreshTokens = [...result.refreshTokens];
      return result;
    };

    await run({ refreshes: WARM_UP_REFRESHES });
    const results: RefreshResult[] = [];
    for (let round = 0; round < rounds; round += 1) results.push(await run({ seconds }));
    for (const accessToken of results.at(-1)?.accessTokens ?? []) await stand.people.validate(accessToken);

    return {
      what: 'Refresh, one process',
      unit: 'per second',
      measured: results.map((result) => result.refreshes / result.seconds),
      bar: { kind: 'at least', value: 3_000 },
      notes: [
        `${SESSIONS} sessions in chains, each call a rotation in Redis. The client and Redis share the cores with the service.`,
      ],
      details: { latchkey: results.map(({ accessTokens: _, refreshTokens: __, ...rest }) => rest) },
    };
  });
}
