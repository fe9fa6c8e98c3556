import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BoundCookies } from './bound-cookies.ts';

/** The ticket of the QR code that a browser shows. The secret never reaches a script. */
export interface BrowserTicket {
  readonly ticketId: string;
  readonly redeemSecret: string;
}

/** A ticket lives for at most ten minutes, and how it ended is known for another fifteen. */
const MAX_AGE_SECONDS = 1_500;
const PATTERN = /^([\w-]{22})\.([\w-]{43})$/;

/** Keeps the ticket of a browser. */
export class TicketCookies {
  readonly #cookies: BoundCookies;

  constructor(cookies: BoundCookies) {
    this.#cookies = cookies;
  }

  /** Undefined: there is none, or it is forged or of another browser. */
  read(request: FastifyRequest): BrowserTicket | undefined {
    const text = this.#cookies.read(request, 'lk_ticket') ?? '';
    const [, ticketId, redeemSecret] = PATTERN.exec(text) ?? [];
    return ticketId && redeemSecret ? { ticketId, redeemSecret } : undefined;
  }

  set(request: FastifyRequest, reply: FastifyReply, { ticketId, redeemSecret }: BrowserTicket): void {
    this.#cookies.set(request, reply, 'lk_ticket', `${ticketId}.${redeemSecret}`, MAX_AGE_SECONDS);
  }

  clear(reply: FastifyReply): void {
    this.#cookies.clear(reply, 'lk_ticket');
  }
}
