import { type Measurement, thousands } from '../measurement.ts';
import { startModule } from '../processes.ts';
import { Sessions } from '../servers/sessions.ts';
import { withStand } from '../servers/stand.ts';
import { quantile } from '../stats.ts';
import type { Scale } from './rounds.ts';

const WATCHERS = 10_000;
/** In all rounds together. */
const SCANS = 600;

/** How long after a step is sent to one server the watcher of the ticket at another one has the new state. */
export async function watchTicket({ rounds }: Scale): Promise<Measurement> {
  return await withStand(
    async (stand) => {
      const watched = await stand.another();
      const [phone] = (await Sessions.open(stand, 1)).issuedTokens;
      await using load = startModule<typeof import('../load/ticket-watchers.ts')>('load/ticket-watchers.ts');
      await load.call('start', watched.port, WATCHERS);
      const lags = [];
      for (let round = 0; round < rounds; round += 1) {
        const each = Math.ceil(SCANS / rounds);
        lags.push(await load.call('scan', stand.latchkey.port, phone?.accessToken ?? '', each));
      }
      await load.call('stop');
      const pushed = lags.flat().map(({ fromAnswerMs }) => fromAnswerMs);
      const called = lags.map((round) => round.map(({ fromCallMs }) => fromCallMs));
      return {
        what: `A scan pushed to the watcher of a ticket among ${thousands(WATCHERS)}, p99`,
        unit: 'ms',
        measured: called.map((round) => quantile(round, 0.99)),
        bar: { kind: 'at most', value: 50 },
        notes: [
          `${thousands(SCANS)} scans, one after the other, at one server; all streams of WatchTicket are at another one. ` +
            'From the instant at which ScanTicket is sent to the instant at which the watcher has the new state; ' +
            `from its answer, p50 ${quantile(pushed, 0.5).toFixed(2)} ms, p99 ${quantile(pushed, 0.99).toFixed(2)} ms.`,
        ],
        details: { rounds: called.map((round) => ({ count: round.length, p50Ms: quantile(round, 0.5) })) },
      };
    },
    // The tickets must outlive the run.
    { LATCHKEY_QR_TICKET_TTL: '300s' },
  );
}
