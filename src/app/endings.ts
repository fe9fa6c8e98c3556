import type { SecurityEvents } from '../core/audit/security-event.ts';
import { RevocationBroadcast } from '../core/revocation/revocation-broadcast.ts';
import { RevocationFeed } from '../core/revocation/revocation-feed.ts';
import type { RevocationLog } from '../core/revocation/revocation-log.ts';
import { SessionEndings } from '../core/session/session-endings.ts';
import type { SessionStore } from '../core/session/session-store.ts';
import { CLOCK_LEEWAY_MS } from '../validator/validator.ts';
import { feedReports } from './feed-reports.ts';
import { feedWaitMs, type Site, TOMBSTONE_TTL_MS } from './site.ts';

/** What ends sessions, and what hears of it; each needs the other to put back what a failover lost. */
export async function openEndings(
  { config, clock, logger, closers }: Site,
  store: SessionStore,
  log: RevocationLog,
  events: SecurityEvents,
) {
  const broadcast = new RevocationBroadcast(clock);
  const feed: RevocationFeed = new RevocationFeed({
    log,
    clock,
    waitMs: feedWaitMs(config),
    tokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    reinstate: (revocation) => endings.reinstate(revocation),
    observer: feedReports(logger, clock),
    listener: broadcast,
  });
  const endings: SessionEndings = new SessionEndings({
    store,
    log,
    clock,
    events,
    tombstoneTtlMs: TOMBSTONE_TTL_MS,
    accessTokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    coveredSince: () => feed.coveredSince,
  });
  await feed.start();
  closers.add(() => feed.close());
  return { endings, feed, broadcast };
}
