import type { FollowerObserver } from '../core/revocation/revocation-follower.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Clock } from '../validator/clock.ts';
import { MINUTE_MS } from './app-context.ts';

/**
 * Logs the state of the revocation follower. While Redis is unavailable, the follower fails once per second. The first
 * error is logged in full, then one line per minute, and one line when the outage is over.
 */
export function followerReports(logger: Logger, clock: Clock): FollowerObserver {
  let outage: { readonly began: number; reported: number } | undefined;
  return {
    faulted: (error) => {
      const now = clock.monotonic();
      if (outage === undefined) {
        outage = { began: now, reported: now };
        logger.warn({ err: error }, 'the revocation log cannot be read; retrying');
      } else if (now - outage.reported >= MINUTE_MS) {
        outage.reported = now;
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ reason, ...lasting(outage.began, now) }, 'the revocation log still cannot be read');
      }
    },
    recovered: () => {
      if (outage === undefined) return;
      logger.info(lasting(outage.began, clock.monotonic()), 'the revocation log can be read again');
      outage = undefined;
    },
    rewound: (entries) => logger.error({ entries }, 'the revocation log lost entries; restoring them'),
  };
}

function lasting(began: number, now: number) {
  return { seconds: Math.round((now - began) / 1_000) };
}
