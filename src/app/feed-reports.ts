import type { FeedObserver } from '../core/revocation/revocation-feed.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Clock } from '../validator/clock.ts';
import { MINUTE_MS } from './site.ts';

/**
 * What the log says of the revocation feed. Its rounds fail once a second while Redis is away: the first fault is
 * told in full, then one line a minute that it lasts, and one when it is over.
 */
export function feedReports(logger: Logger, clock: Clock): FeedObserver {
  let outage: { readonly began: number; reported: number } | undefined;
  return {
    faulted: (error) => {
      const now = clock.monotonic();
      if (outage === undefined) {
        outage = { began: now, reported: now };
        logger.warn({ err: error }, 'the revocation log could not be read; trying again');
      } else if (now - outage.reported >= MINUTE_MS) {
        outage.reported = now;
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ reason, ...lasting(outage.began, now) }, 'the revocation log still cannot be read');
      }
    },
    recovered: () => {
      if (outage === undefined) return;
      logger.info(lasting(outage.began, clock.monotonic()), 'the revocation log is read again');
      outage = undefined;
    },
    rewound: (entries) => logger.error({ entries }, 'the revocation log had lost entries; putting them back'),
  };
}

function lasting(began: number, now: number) {
  return { seconds: Math.round((now - began) / 1_000) };
}
