import {
  decideTicketStep,
  TICKET_MEMORY_MS,
  type Ticket,
  type TicketOutcome,
  type TicketStep,
  ticketAt,
} from '../../core/sign-in/qr-ticket.ts';
import type { TicketListener, TicketStore } from '../../core/sign-in/ticket-store.ts';

/** Minimum time between two removals of forgotten tickets; milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;

/** Stores QR tickets in memory. Each method runs without interruption, so it is an atomic step. */
export class MemoryTicketStore implements TicketStore {
  readonly #tickets = new Map<string, Ticket>();
  readonly #listeners: TicketListener[] = [];
  #sweptAt = 0;

  async create(ticket: Ticket): Promise<void> {
    this.#sweep(ticket.createdAt);
    this.#tickets.set(ticket.ticketId, ticket);
  }

  async step(ticketId: string, step: TicketStep, now: number): Promise<TicketOutcome> {
    const before = this.#tickets.get(ticketId);
    const outcome = decideTicketStep(before, step, now);
    if (!('ticket' in outcome)) return outcome;
    this.#tickets.set(ticketId, outcome.ticket);
    if (outcome.ticket.state !== before?.state) {
      for (const listener of this.#listeners) listener.changed(ticketId);
    }
    return outcome;
  }

  async read(ticketId: string, now: number): Promise<Ticket | undefined> {
    return ticketAt(this.#tickets.get(ticketId), now);
  }

  follow(listener: TicketListener): void {
    this.#listeners.push(listener);
    listener.missed();
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    for (const [ticketId, { expiresAt }] of this.#tickets) {
      if (now >= expiresAt + TICKET_MEMORY_MS) this.#tickets.delete(ticketId);
    }
  }
}
