import type { Clock } from '../../validator/clock.ts';
import {
  type Actor,
  type EventOrigin,
  type SecurityEvents,
  storeAndPublish,
} from '../audit/security-event.ts';
import { sessionEnded } from '../session/session-failures.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { LoginThrottle } from './login-throttle.ts';
import {
  type Approver,
  type Asker,
  FIRST_POLL_INTERVAL_MS,
  isApprover,
  type Ticket,
  type TicketOutcome,
  type TicketStep,
} from './qr-ticket.ts';
import { hashOfSecret, newDigits, newRandomId, newRandomSecret } from './random-secrets.ts';
import { notTicketApprover, ticketNotFound, ticketOver } from './ticket-failures.ts';
import type { TicketStore } from './ticket-store.ts';

export interface QrTicketsOptions {
  readonly store: TicketStore;
  readonly liveSessions: Pick<LiveSessions, 'find'>;
  readonly throttle: Pick<LoginThrottle, 'reserveTicket'>;
  readonly events: SecurityEvents;
  readonly clock: Pick<Clock, 'now'>;
  /** Where the page is that a scanned code opens, without a slash at the end. */
  readonly publicOrigin: string;
  /** How long a ticket lives, and how long it lives after the scan; milliseconds. */
  readonly ttlMs: number;
}

export interface CreatedTicket {
  readonly ticket: Ticket;
  /** Only the asker may know it. */
  readonly redeemSecret: string;
  readonly url: string;
}

/** The caller of a step, by the token of the session. */
export type TicketCaller = Extract<Actor, { readonly kind: 'caller' }>;

export interface ScannedTicket {
  readonly ticket: Ticket;
  /** Whether the asker and the caller are known to be in the same network. */
  readonly sharesNetwork: boolean;
}

/** What asker and approver do with a QR ticket before it is redeemed. */
export class QrTickets {
  readonly #options: QrTicketsOptions;

  constructor(options: QrTicketsOptions) {
    this.#options = options;
  }

  /**
   * Creates a ticket. Fails with TOO_MANY_ATTEMPTS and STORE_UNAVAILABLE.
   *
   * The id is in the path of the URL, not in its fragment. The id alone is no credential, and a path survives a sign-in
   * on the phone and needs no script.
   */
  async create(asker: Asker): Promise<CreatedTicket> {
    const { store, throttle, clock, publicOrigin, ttlMs } = this.#options;
    await throttle.reserveTicket(asker.network);
    const now = clock.now();
    const redeemSecret = newRandomSecret();
    const ticket: Ticket = {
      ...asker,
      ticketId: newRandomId(),
      secretHash: hashOfSecret(redeemSecret),
      state: 'PENDING',
      denial: undefined,
      createdAt: now,
      expiresAt: now + ttlMs,
      approver: undefined,
      digits: '',
      securityVersion: 0,
      sessionId: '',
      decidedAt: 0,
      redeemedAt: 0,
      pollIntervalMs: FIRST_POLL_INTERVAL_MS,
      pollFrom: 0,
    };
    await store.create(ticket);
    return { ticket, redeemSecret, url: `${publicOrigin}/qr/${ticket.ticketId}` };
  }

  /**
   * Makes the caller's session the approver. Fails with TICKET_NOT_FOUND, TICKET_OVER, NOT_TICKET_APPROVER and
   * STORE_UNAVAILABLE.
   *
   * @param network the caller's network; empty: unknown, or shared by many people.
   */
  async scan(ticketId: string, caller: TicketCaller, network: string): Promise<ScannedTicket> {
    const { ttlMs } = this.#options;
    const ticket = await this.#step(ticketId, {
      kind: 'scan',
      ttlMs,
      approver: approverOf(caller),
      digits: newDigits(),
    });
    return { ticket, sharesNetwork: network !== '' && ticket.network === network };
  }

  /** Approves the ticket. Fails like `scan`, and with SESSION_ENDED. Wrong digits end the ticket with TICKET_OVER. */
  async approve(ticketId: string, caller: TicketCaller, digits: string, ipAddress: string): Promise<Ticket> {
    const { liveSessions, store, clock } = this.#options;
    const approver = approverOf(caller);
    const session = await liveSessions.find(approver);
    if (session === undefined) throw sessionEnded(undefined);
    const { securityVersion } = session;
    const step = { kind: 'approve', approver, digits, securityVersion } as const;
    const outcome = await store.step(ticketId, step, clock.now());
    if (outcome.kind === 'over' && isWrongTry(outcome.ticket, approver)) {
      await this.#record(outcome.ticket, caller, ipAddress);
    }
    const ticket = ticketOf(outcome);
    await this.#record(ticket, caller, ipAddress);
    return ticket;
  }

  /** Denies the ticket. Fails like `scan`. */
  async deny(ticketId: string, caller: TicketCaller, ipAddress: string): Promise<void> {
    const approver = approverOf(caller);
    const ticket = await this.#step(ticketId, { kind: 'deny', approver, denial: 'BY_APPROVER' });
    await this.#record(ticket, caller, ipAddress);
  }

  async #step(ticketId: string, step: TicketStep): Promise<Ticket> {
    const { store, clock } = this.#options;
    return ticketOf(await store.step(ticketId, step, clock.now()));
  }

  /** Stores what the approver did before it is acknowledged. A repeated call stores the same event again. */
  #record(ticket: Ticket, caller: TicketCaller, ipAddress: string): Promise<void> {
    const { userId, sessionId, clientId } = caller;
    const origin: EventOrigin = { ipAddress, clientId };
    const { ticketId, device, decidedAt: at } = ticket;
    const facts = { at, actor: caller, userId, sessionId, ticketId, origin, device: device.name };
    const { events } = this.#options;
    return ticket.denial === undefined
      ? storeAndPublish(events, { kind: 'TicketApproved', ...facts })
      : storeAndPublish(events, { kind: 'TicketDenied', ...facts, reason: ticket.denial });
  }
}

function approverOf({ userId, sessionId }: TicketCaller): Approver {
  return { userId, sessionId };
}

/** Whether this session ended the ticket with wrong digits: another one may approve it later, in vain. */
function isWrongTry(ticket: Ticket, approver: Approver): boolean {
  return ticket.denial === 'WRONG_DIGITS' && isApprover(ticket, approver);
}

/** The ticket after the step. Throws if the step was not made. */
function ticketOf(outcome: TicketOutcome): Ticket {
  switch (outcome.kind) {
    case 'over':
      throw ticketOver(outcome.ticket);
    case 'not-approver':
      throw notTicketApprover();
    case 'missing':
      throw ticketNotFound();
    default:
      return outcome.ticket;
  }
}
