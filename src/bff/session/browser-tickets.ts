// The tickets that browsers show as QR codes.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LatchkeyError, type TicketChange } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf, setDevice } from '../browser/device.ts';
import type { SendEvent } from '../browser/event-streams.ts';
import type { BrowserTicket } from '../browser/ticket-cookie.ts';
import { unavailable } from '../refusal.ts';
import type { TicketEvent, TicketView } from '../views.ts';

/** How long the service may take to tell the state of a ticket; milliseconds. */
const READ_TIMEOUT_MS = 3_000;
const OPEN: ReadonlySet<string> = new Set(['PENDING', 'SCANNED', 'APPROVED']);

/**
 * The ticket of the browser while it can still be used, otherwise a new one. Undefined: the browser loads no document.
 *
 * @throws LatchkeyError or Refusal.
 */
export async function currentOrNewTicket(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<TicketView | undefined> {
  const ticket = await currentTicket(context, request);
  if (ticket !== undefined && OPEN.has(ticket.state)) return ticket;
  return isDocumentRequest(request) ? createTicket(context, request, reply) : undefined;
}

/** The ticket of the browser in any state. Undefined: it has none. @throws as `readTicket`: the ticket may still be good. */
export async function currentTicket(
  context: BffContext,
  request: FastifyRequest,
): Promise<TicketView | undefined> {
  const ticket = context.tickets.read(request);
  if (ticket === undefined) return undefined;
  try {
    const { state, digits, expiresAt } = await readTicket(context, ticket);
    return { url: urlOf(context, ticket.ticketId), state, digits, expiresAt };
  } catch (error) {
    if (error instanceof LatchkeyError && error.reason === 'TICKET_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Creates a ticket, which replaces the browser's present one. @throws LatchkeyError. */
export async function createTicket(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<TicketView> {
  const { client, clientId, cookies, front, tickets, clock } = context;
  const { device, deviceToken } = deviceOf(request, cookies);
  const asker = { clientId, device, origin: front.ownOrigin(request), labels: {} };
  const { ticketId, redeemSecret, expiresAt } = await client.qrLogin.createTicket(asker);
  tickets.set(request, reply, { ticketId, redeemSecret });
  // The session that the ticket opens belongs to this device.
  setDevice(reply, cookies, device.deviceId, deviceToken);
  const url = urlOf(context, ticketId);
  return { url, state: 'PENDING', digits: '', expiresAt: expiresAt ?? new Date(clock.now()) };
}

/**
 * The present state of a ticket, from the first answer of a watch. The contract has no read: `RedeemTicket` would redeem.
 *
 * @throws LatchkeyError, for example TICKET_NOT_FOUND. Refusal if the service does not answer in time.
 */
export async function readTicket(context: BffContext, ticket: BrowserTicket): Promise<TicketChange> {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  try {
    for await (const event of context.client.watchTicket({ ...ticket, signal })) {
      if (event.kind === 'state') return event;
      if (event.error !== undefined) throw event.error;
    }
  } catch (error) {
    throw signal.aborted ? unavailable('The service does not answer at present. Try again.', error) : error;
  }
  throw new Error('The watch ended without a state.');
}

/** Sends each state of a ticket until the final one, and `interrupted` while the service does not answer. */
export async function followTicket(
  context: BffContext,
  ticket: BrowserTicket,
  send: SendEvent,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of context.client.watchTicket({ ...ticket, signal })) {
    if (event.kind === 'state') send('ticket', ticketEvent(event));
    else send('interrupted', {});
  }
}

function urlOf(context: BffContext, ticketId: string): string {
  return `${context.site.origin}/qr/${ticketId}`;
}

/**
 * Whether the browser loads a document. Another site can load this page as an image in the browsers of its visitors. That
 * must not create tickets, because tickets of one address are limited.
 */
function isDocumentRequest({ method, headers }: FastifyRequest): boolean {
  const { 'sec-fetch-dest': destination = 'document' } = headers;
  return method !== 'HEAD' && destination === 'document';
}

/** The state of a ticket as scripts get it. */
export function ticketEvent({ state, denial, digits, expiresAt }: TicketChange): TicketEvent {
  return { state, denial, digits, expiresAt: expiresAt.toISOString() };
}
