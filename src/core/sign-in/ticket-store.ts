import type { Ticket, TicketOutcome, TicketStep } from './qr-ticket.ts';

/** Learns of changes of tickets. Methods must not throw. */
export interface TicketListener {
  /** A step changed the state of this ticket. */
  changed(ticketId: string): void;
  /** Changes may have been missed. Also called once when the listener begins to hear of changes. */
  missed(): void;
}

/**
 * Stores QR tickets.
 *
 * Law:
 * - Every method is one atomic step on one ticket.
 * - `step` follows `decideTicketStep` exactly, and `read` follows `ticketAt`.
 * - A final state stays, and is remembered for `TICKET_MEMORY_MS` after the ticket expires.
 * - A change of state that any process makes is passed to every listener, normally within milliseconds. It is best
 *   effort: a change may be missed, also without `missed`. So a listener reads its tickets again from time to time.
 * - A damaged ticket is missing.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: sessions`. A step that timed out never runs later.
 */
export interface TicketStore {
  /** Stores a new ticket. */
  create(ticket: Ticket): Promise<void>;
  step(ticketId: string, step: TicketStep, now: number): Promise<TicketOutcome>;
  /** Undefined: unknown or forgotten. */
  read(ticketId: string, now: number): Promise<Ticket | undefined>;
  /** Passes changes to the listener until the store is closed. */
  follow(listener: TicketListener): void;
}
