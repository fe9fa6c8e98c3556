import { MemoryTicketStore } from '../../src/adapters/memory/memory-ticket-store.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import { LiveSessions } from '../../src/core/sign-in/live-sessions.ts';
import { UNLIMITED_ATTEMPTS } from '../../src/core/sign-in/login-attempts.ts';
import type { Asker } from '../../src/core/sign-in/qr-ticket.ts';
import { type CreatedTicket, QrTickets, type TicketCaller } from '../../src/core/sign-in/qr-tickets.ts';
import type { ReservedSessionsOptions } from '../../src/core/sign-in/reserved-sessions.ts';
import { type Redemption, TicketRedemption } from '../../src/core/sign-in/ticket-redemption.ts';
import type { TicketStore } from '../../src/core/sign-in/ticket-store.ts';
import { TicketWatchers, type TicketWatchLimits } from '../../src/core/sign-in/ticket-watchers.ts';
import { throttleOf } from './attempts.ts';
import { RESERVED_GRACE, reservedSessions } from './reserved-sessions.ts';
import { NO_RISK } from './risk.ts';
import { SessionWorld, type WorldParts } from './session-world.ts';
import { ids } from './sessions.ts';
import { TICKET_TTL } from './tickets.ts';

export const ORIGIN = 'https://login.example.com';
export const GRACE = RESERVED_GRACE;

export const ASKER: Asker = {
  clientId: 'web',
  device: { deviceId: 'd-1', name: 'Firefox on Linux', platform: 'Linux' },
  ipAddress: '192.0.2.7',
  network: '192.0.2.7',
  labels: {},
};

/** Sign-in by QR code on a server, assembled like the composition root does. */
export class QrWorld {
  readonly world: SessionWorld;
  readonly store: TicketStore;
  readonly tickets: QrTickets;
  readonly redemption: TicketRedemption;
  readonly watchers: TicketWatchers;
  /** Assesses the next sign-ins. */
  risk: ReservedSessionsOptions['risk'] = NO_RISK;

  private constructor(world: SessionWorld, store: TicketStore, watchers: TicketWatchers) {
    this.world = world;
    this.store = store;
    this.watchers = watchers;
    const { clock, events, follower } = world;
    const liveSessions = new LiveSessions({ store: world.store, revocations: follower, clock });
    const throttle = throttleOf(UNLIMITED_ATTEMPTS, clock);
    this.tickets = new QrTickets({
      ...{ store, liveSessions, throttle, events, clock },
      ...{ publicOrigin: ORIGIN, ttlMs: TICKET_TTL },
    });
    this.redemption = new TicketRedemption({
      store,
      liveSessions,
      users: world.directory,
      reserved: reservedSessions(world, () => this.risk),
      clock,
      ids,
    });
  }

  /** @param limits of the watchers. */
  static async open(
    given: Partial<WorldParts> = {},
    store: TicketStore = new MemoryTicketStore(),
    limits?: TicketWatchLimits,
  ): Promise<QrWorld> {
    let watchers: TicketWatchers | undefined;
    const listener = {
      learned: (entries: Parameters<TicketWatchers['learned']>[0]) => watchers?.learned(entries),
      confirmed: () => undefined,
      readFailed: () => undefined,
      restarted: () => undefined,
    };
    const world = await SessionWorld.open({ ...given, listener });
    const { clock, follower } = world;
    const liveSessions = new LiveSessions({ store: world.store, revocations: follower, clock });
    watchers = new TicketWatchers({ store, liveSessions, clock, ...(limits !== undefined && { limits }) });
    store.follow(watchers);
    return new QrWorld(world, store, watchers);
  }

  /** Creates a ticket and scans it. */
  async scanned(caller: TicketCaller): Promise<CreatedTicket & { readonly digits: string }> {
    const created = await this.tickets.create(ASKER);
    const { ticket } = await this.tickets.scan(created.ticket.ticketId, caller, '');
    return { ...created, digits: ticket.digits };
  }

  async approved(caller: TicketCaller): Promise<CreatedTicket> {
    const scanned = await this.scanned(caller);
    await this.tickets.approve(scanned.ticket.ticketId, caller, scanned.digits, '192.0.2.1');
    return scanned;
  }

  redeem({ ticket, redeemSecret }: CreatedTicket, endSessionId = ''): Promise<Redemption> {
    return this.redemption.redeem({ ticketId: ticket.ticketId, redeemSecret, endSessionId });
  }
}

/** The caller with the token of a session. */
export function callerOf({ session }: OpenedSession): TicketCaller {
  const { userId, sessionId, clientId } = session;
  return { kind: 'caller', userId, sessionId, clientId };
}
