import type { SecurityEvents } from '../core/audit/security-event.ts';
import { listenersInOrder } from '../core/revocation/follower-listener.ts';
import { RevocationFollower } from '../core/revocation/revocation-follower.ts';
import type { RevocationLog } from '../core/revocation/revocation-log.ts';
import { RevocationSubscriptions } from '../core/revocation/revocation-subscriptions.ts';
import { SessionEnder } from '../core/session/session-ender.ts';
import type { SessionStore } from '../core/session/session-store.ts';
import { SessionWatchers } from '../core/session/session-watchers.ts';
import { LiveSessions } from '../core/sign-in/live-sessions.ts';
import type { TicketStore } from '../core/sign-in/ticket-store.ts';
import { TicketWatchers } from '../core/sign-in/ticket-watchers.ts';
import { CLOCK_LEEWAY_MS, type RevocationCopy } from '../validator/validator.ts';
import { type AppContext, followerWaitMs, TOMBSTONE_TTL_MS } from './app-context.ts';
import { followerReports } from './follower-reports.ts';

/** Opens the session ender and the follower. Each needs the other to restore entries that a failover lost. */
export async function openRevocations(
  { config, clock, logger, closers }: AppContext,
  store: SessionStore,
  log: RevocationLog,
  tickets: TicketStore,
  events: SecurityEvents,
) {
  const subscriptions = new RevocationSubscriptions(clock);
  const revocations: Pick<RevocationCopy, 'endReasonOf'> = {
    endReasonOf: (...session) => follower.endReasonOf(...session),
  };
  const watchers = new SessionWatchers({ store, revocations, clock });
  const liveSessions = new LiveSessions({ store, revocations, clock });
  const ticketWatchers = new TicketWatchers({ store: tickets, liveSessions, clock });
  const follower: RevocationFollower = new RevocationFollower({
    log,
    clock,
    waitMs: followerWaitMs(config),
    tokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    reinstate: (revocation) => ender.reinstate(revocation),
    observer: followerReports(logger, clock),
    listener: listenersInOrder(subscriptions, watchers, ticketWatchers),
  });
  const ender: SessionEnder = new SessionEnder({
    store,
    log,
    clock,
    events,
    tombstoneTtlMs: TOMBSTONE_TTL_MS,
    accessTokenLifeMs: config.accessTokenTtlMs + CLOCK_LEEWAY_MS,
    coveredSince: () => follower.coveredSince,
  });
  await follower.start();
  closers.add(() => follower.close());
  tickets.follow(ticketWatchers);
  return { ender, follower, subscriptions, watchers, liveSessions, ticketWatchers };
}
