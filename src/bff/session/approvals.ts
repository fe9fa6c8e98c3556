// What the session of a browser does with the ticket that it scanned. Each function throws a LatchkeyError or a Refusal.
import type { FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { Refusal } from '../refusal.ts';
import type { AskerView } from '../views.ts';
import type { LivingSession } from './browser-sessions.ts';

const TICKET_ID = /^[\w-]{22}$/;

/** Scans a ticket. Idempotent for the same session. */
export async function scanTicket(
  context: BffContext,
  request: FastifyRequest,
  session: LivingSession,
  ticketId: string,
): Promise<AskerView> {
  const { client, clock, front } = context;
  const origin = front.userOrigin(request);
  const scanned = await client.qrLogin.scanTicket(
    { ticketId: validTicketId(ticketId), origin },
    tokenOf(session),
  );
  const now = new Date(clock.now());
  const { device, clientId, ipAddress, createdAt = now, expiresAt = now, username } = scanned;
  // Without an origin, the service compares the network of this program, which all browsers share.
  const sharesNetwork = origin !== undefined && scanned.sharesNetwork;
  const { name: deviceName = '', platform = '' } = device ?? {};
  return { deviceName, platform, clientId, ipAddress, sharesNetwork, createdAt, expiresAt, username };
}

/** Approves a ticket with the digits that the other device shows. One wrong try ends the ticket. */
export async function approveTicket(
  context: BffContext,
  request: FastifyRequest,
  session: LivingSession,
  ticketId: string,
  digits: string,
): Promise<void> {
  const { client, front } = context;
  const approval = { ticketId: validTicketId(ticketId), digits, origin: front.userOrigin(request) };
  await client.qrLogin.approveTicket(approval, tokenOf(session));
}

/** Denies a ticket. Idempotent. */
export async function denyTicket(
  context: BffContext,
  request: FastifyRequest,
  session: LivingSession,
  ticketId: string,
): Promise<void> {
  const { client, front } = context;
  const denial = { ticketId: validTicketId(ticketId), origin: front.userOrigin(request) };
  await client.qrLogin.denyTicket(denial, tokenOf(session));
}

function tokenOf({ accessToken }: LivingSession) {
  return { token: accessToken };
}

/** The service would answer INVALID_FIELD. For the user, a malformed id is a code that does not exist. */
function validTicketId(ticketId: string): string {
  if (TICKET_ID.test(ticketId)) return ticketId;
  const more = { reason: 'TICKET_NOT_FOUND', notice: 'ticket-unknown' } as const;
  throw new Refusal(404, 'not-found', 'There is no such code.', more);
}
