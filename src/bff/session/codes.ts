import type { FastifyReply, FastifyRequest } from 'fastify';
import { LatchkeyError, type TicketChange } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf, setDevice } from '../browser/device.ts';
import type { BrowserTicket } from '../browser/ticket-cookie.ts';
import type { SendEvent } from '../http/event-streams.ts';
import type { TicketEvent, TicketView } from '../views.ts';

/** How long the service may take to tell the state of a ticket, in milliseconds. */
const PEEK_TIMEOUT_MS = 3_000;
const OPEN: ReadonlySet<string> = new Set(['PENDING', 'SCANNED', 'APPROVED']);

/** The QR codes that browsers show. */
export class Codes {
  readonly #context: BffContext;

  constructor(context: BffContext) {
    this.#context = context;
  }

  /**
   * The code of the browser while it can still be used, otherwise a new one. Undefined: nobody looks at the page.
   *
   * @throws LatchkeyError.
   */
  async show(request: FastifyRequest, reply: FastifyReply): Promise<TicketView | undefined> {
    const code = await this.current(request);
    if (code !== undefined && OPEN.has(code.state)) return code;
    return isLookedAt(request) ? this.create(request, reply) : undefined;
  }

  /** The code of the browser in any state. Undefined: it has none. @throws LatchkeyError: the code may still be good. */
  async current(request: FastifyRequest): Promise<TicketView | undefined> {
    const ticket = this.#context.tickets.read(request);
    if (ticket === undefined) return undefined;
    try {
      const { state, digits, expiresAt } = await this.peek(ticket);
      return { url: this.#urlOf(ticket.ticketId), state, digits, expiresAt };
    } catch (error) {
      if (error instanceof LatchkeyError && error.reason === 'TICKET_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Makes a new code, which replaces that of the browser. @throws LatchkeyError. */
  async create(request: FastifyRequest, reply: FastifyReply): Promise<TicketView> {
    const { client, clientId, cookies, front, preSessions, tickets, clock } = this.#context;
    const { device, deviceToken } = deviceOf(request, cookies);
    const asker = { clientId, device, origin: front.ownOrigin(request), labels: {} };
    const { ticketId, redeemSecret, expiresAt } = await client.qrLogin.createTicket(asker);
    tickets.set(reply, preSessions.of(request, reply), { ticketId, redeemSecret });
    // The session that the code opens belongs to this device.
    setDevice(reply, cookies, device.deviceId, deviceToken);
    const url = this.#urlOf(ticketId);
    return { url, state: 'PENDING', digits: '', expiresAt: expiresAt ?? new Date(clock.now()) };
  }

  /** The present state of a ticket. @throws LatchkeyError: TICKET_NOT_FOUND, or the service does not answer. */
  async peek(ticket: BrowserTicket): Promise<TicketChange> {
    const watch = this.#context.client.watchTicket({
      ...ticket,
      signal: AbortSignal.timeout(PEEK_TIMEOUT_MS),
    });
    for await (const event of watch) {
      if (event.kind === 'state') return event;
      if (event.error !== undefined) throw event.error;
    }
    throw new Error('The watch ended without a state.');
  }

  /** Sends each state of a ticket, until the final one. */
  async follow(ticket: BrowserTicket, send: SendEvent, signal: AbortSignal): Promise<void> {
    for await (const event of this.#context.client.watchTicket({ ...ticket, signal })) {
      if (event.kind === 'state') send('ticket', ticketEvent(event));
      else send('interrupted', {});
    }
  }

  #urlOf(ticketId: string): string {
    return `${this.#context.site.origin}/qr/${ticketId}`;
  }
}

/**
 * Whether the answer is a page in a tab. A page of another site can load this one as an image in the browsers of all its
 * visitors: that must not make codes, which are counted at their addresses.
 */
function isLookedAt({ method, headers }: FastifyRequest): boolean {
  const { 'sec-fetch-dest': destination = 'document' } = headers;
  return method !== 'HEAD' && destination === 'document';
}

export function ticketEvent({ state, denial, digits, expiresAt }: TicketChange): TicketEvent {
  return { state, denial, digits, expiresAt: expiresAt.toISOString() };
}
