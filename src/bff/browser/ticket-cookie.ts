import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cookies } from './cookies.ts';
import type { Macs } from './macs.ts';
import type { PreSessions } from './pre-session.ts';

/** The ticket of the QR code that a browser shows. The secret never reaches a script. */
export interface BrowserTicket {
  readonly ticketId: string;
  readonly redeemSecret: string;
}

const LABEL = 'ticket';
/** A ticket lives for at most ten minutes, and how it ended is known for another fifteen. */
const MAX_AGE_SECONDS = 1_500;
const PATTERN = /^([\w-]{22})\.([\w-]{43})\.([\w-]{22})$/;

/** Keeps the ticket of a browser in a cookie that is bound to its pre-session. */
export class TicketCookies {
  readonly #cookies: Cookies;
  readonly #macs: Macs;
  readonly #preSessions: PreSessions;

  constructor(cookies: Cookies, macs: Macs, preSessions: PreSessions) {
    this.#cookies = cookies;
    this.#macs = macs;
    this.#preSessions = preSessions;
  }

  /** Undefined: there is none, or it is forged or of another pre-session. */
  read(request: FastifyRequest): BrowserTicket | undefined {
    const preSessionId = this.#preSessions.read(request);
    const cookie = this.#cookies.get(request, 'lk_ticket') ?? '';
    const [, ticketId, redeemSecret, mac] = PATTERN.exec(cookie) ?? [];
    if (preSessionId === undefined || ticketId === undefined) return undefined;
    if (redeemSecret === undefined || mac === undefined) return undefined;
    const isOurs = this.#macs.verifies(LABEL, `${preSessionId}.${ticketId}.${redeemSecret}`, mac);
    return isOurs ? { ticketId, redeemSecret } : undefined;
  }

  set(reply: FastifyReply, preSessionId: string, { ticketId, redeemSecret }: BrowserTicket): void {
    const mac = this.#macs.of(LABEL, `${preSessionId}.${ticketId}.${redeemSecret}`);
    this.#cookies.set(reply, 'lk_ticket', `${ticketId}.${redeemSecret}.${mac}`, MAX_AGE_SECONDS);
  }

  clear(reply: FastifyReply): void {
    this.#cookies.clear(reply, 'lk_ticket');
  }
}
