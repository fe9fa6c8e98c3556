import type { FastifyRequest } from 'fastify';
import type { BffContext } from '../bff-context.ts';
import { Refusal } from '../http/refusal.ts';
import type { AskerView } from '../views.ts';
import type { LivingSession } from './browser-sessions.ts';

const TICKET_ID = /^[\w-]{22}$/;

/** What the session of a browser does with the ticket that it scanned. Each method throws a LatchkeyError or a Refusal. */
export class Approvals {
  readonly #context: BffContext;

  constructor(context: BffContext) {
    this.#context = context;
  }

  /** Scans a ticket. Repeated by the same session, it tells the same. */
  async scan(request: FastifyRequest, session: LivingSession, ticketId: string): Promise<AskerView> {
    const { client, clock, front } = this.#context;
    const origin = front.userOrigin(request);
    const scanned = await client.qrLogin.scanTicket(
      { ticketId: checked(ticketId), origin },
      tokenOf(session),
    );
    const now = new Date(clock.now());
    const { device, clientId, ipAddress, createdAt = now, expiresAt = now } = scanned;
    // Otherwise the service compares the network of this program, which all browsers share.
    const sharesNetwork = origin !== undefined && scanned.sharesNetwork;
    const { name: deviceName = '', platform = '' } = device ?? {};
    return { deviceName, platform, clientId, ipAddress, sharesNetwork, createdAt, expiresAt };
  }

  async approve(
    request: FastifyRequest,
    session: LivingSession,
    ticketId: string,
    digits: string,
  ): Promise<void> {
    const { client, front } = this.#context;
    const approval = { ticketId: checked(ticketId), digits, origin: front.userOrigin(request) };
    await client.qrLogin.approveTicket(approval, tokenOf(session));
  }

  async deny(request: FastifyRequest, session: LivingSession, ticketId: string): Promise<void> {
    const { client, front } = this.#context;
    const denial = { ticketId: checked(ticketId), origin: front.userOrigin(request) };
    await client.qrLogin.denyTicket(denial, tokenOf(session));
  }
}

function tokenOf({ accessToken }: LivingSession) {
  return { token: accessToken };
}

/** The service would call another form an invalid field. For a person, it is a code that does not exist. */
function checked(ticketId: string): string {
  if (TICKET_ID.test(ticketId)) return ticketId;
  const more = { reason: 'TICKET_NOT_FOUND', notice: 'ticket-unknown' } as const;
  throw new Refusal(404, 'not-found', 'There is no such code.', more);
}
