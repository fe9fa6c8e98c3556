import type { FollowerObserver } from '../core/revocation/revocation-follower.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Clock } from '../validator/clock.ts';
import { MINUTE_MS } from './app-context.ts';

/**
 * Logs the state of the revocation follower. While Redis is unavailable, the follower fails once per second. The first
 * error is logged in full, then one line per minute, and one line when the outage is over.
 */
export function followerReports(logger: Logger, clock: Clock): FollowerObserver {
  let outage: { readonly startedAt: number; reportedAt: number } | undefined;
  return {
    readFailed: (error) => {
      const now = clock.monotonic();
      if (outage === undefined) {
        outage = { startedAt: now, reportedAt: now };
        logger.warn({ err: error }, 'the revocation log cannot be read; retrying');
      } else if (now - outage.reportedAt >= MINUTE_MS) {
        outage.reportedAt = now;
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn(
          { reason, seconds: secondsBetween(outage.startedAt, now) },
          'the revocation log still cannot be read',
        );
      }
    },
    recovered: () => {
      if (outage === undefined) return;
      const seconds = secondsBetween(outage.startedAt, clock.monotonic());
      logger.info({ seconds }, 'the revocation log can be read again');
      outage = undefined;
    },
    entriesLost: (entries) => logger.error({ entries }, 'the revocation log lost entries; restoring them'),
  };
}

function secondsBetween(startMs: number, endMs: number): number {
  return Math.round((endMs - startMs) / 1_000);
}
