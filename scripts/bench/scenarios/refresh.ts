import type { Measurement } from '../measurement.ts';
import { type RefreshFigures, Sessions } from '../servers/sessions.ts';
import { validate, withStand } from '../servers/stand.ts';
import type { Scale } from './rounds.ts';

const SESSIONS = 128;
const WARM_UP_REFRESHES = 5_000;

/** Refresh on Redis: every call rotates, and the next one sends the new token. */
export async function refresh({ rounds, seconds }: Scale): Promise<Measurement> {
  return await withStand(async (stand) => {
    const sessions = await Sessions.open(stand, SESSIONS);
    await sessions.refresh({ refreshes: WARM_UP_REFRESHES });
    const runs: RefreshFigures[] = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await sessions.refresh({ seconds }));
    for (const accessToken of sessions.accessTokens) await validate(stand.latchkey.port, accessToken);
    return {
      what: 'Refresh, one process',
      unit: 'per second',
      measured: runs.map(refreshesPerSecond),
      bar: { kind: 'at least', value: 3_500 },
      notes: [
        `${SESSIONS} sessions in chains, each call a rotation in Redis. The client and Redis share the cores with the service.`,
      ],
      details: { latchkey: runs },
    };
  });
}

export function refreshesPerSecond({ refreshes, seconds }: RefreshFigures): number {
  return refreshes / seconds;
}
