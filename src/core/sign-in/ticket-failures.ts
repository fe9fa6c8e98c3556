import { Failure } from '../failure.ts';
import type { Ticket, TicketState } from './qr-ticket.ts';

type FinalState = Pick<Ticket, 'state' | 'denial'>;

const WHY: Readonly<Record<TicketState, string>> = {
  PENDING: 'is not scanned yet',
  SCANNED: 'is not approved yet',
  APPROVED: 'is approved',
  REDEEMED: 'was used already',
  DENIED: 'was denied',
  EXPIRED: 'has expired',
};

/** The same for an unknown ticket and a wrong secret. */
export function ticketNotFound(): Failure {
  return new Failure(
    'TICKET_NOT_FOUND',
    'There is no such QR ticket, or the secret is wrong; make a new code.',
  );
}

export function ticketOver({ state, denial }: FinalState): Failure {
  return new Failure('TICKET_OVER', `The QR ticket ${WHY[state]}; make a new code.`, {
    metadata: { state, ...(denial !== undefined && { denial }) },
  });
}

/** The approver's session has ended, or all sessions of the user. */
export function approverEnded(): Failure {
  return ticketOver({ state: 'DENIED', denial: 'APPROVER_SESSION_ENDED' });
}

export function notTicketApprover(): Failure {
  return new Failure(
    'NOT_TICKET_APPROVER',
    'Another session has scanned the QR ticket, or none has; make a new code and scan that.',
  );
}
