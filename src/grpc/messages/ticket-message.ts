import type { Ticket } from '../../core/sign-in/qr-ticket.ts';
import type { CreatedTicket, ScannedTicket } from '../../core/sign-in/qr-tickets.ts';
import type { Redemption } from '../../core/sign-in/ticket-redemption.ts';
import {
  type CreateTicketResponse,
  type RedeemTicketResponse,
  type ScanTicketResponse,
  TicketDenial,
  TicketState,
  type WatchTicketResponse,
} from '../../gen/latchkey/v1/qr_login.ts';
import { durationMessage } from './duration-message.ts';
import { signedInMessage, summaryMessage } from './session-message.ts';

export function createdTicketMessage({ ticket, redeemSecret, url }: CreatedTicket): CreateTicketResponse {
  const { ticketId, expiresAt, pollIntervalMs } = ticket;
  return {
    ticketId,
    redeemSecret,
    url,
    expiresAt: new Date(expiresAt),
    pollInterval: durationMessage(pollIntervalMs),
  };
}

export function ticketStateMessage(ticket: Ticket): WatchTicketResponse {
  return {
    state: TicketState[ticket.state],
    denial: ticket.denial === undefined ? TicketDenial.UNSPECIFIED : TicketDenial[ticket.denial],
    digits: shownDigits(ticket),
    expiresAt: new Date(ticket.expiresAt),
  };
}

export function scannedTicketMessage(
  { ticket, sharesNetwork }: ScannedTicket,
  username: string,
): ScanTicketResponse {
  const { state, device, clientId, ipAddress, createdAt, expiresAt } = ticket;
  return {
    state: TicketState[state],
    // The id of the device is for its own application.
    device: { ...device, deviceId: '' },
    clientId,
    ipAddress,
    sharesNetwork,
    createdAt: new Date(createdAt),
    expiresAt: new Date(expiresAt),
    username,
  };
}

export function redemptionMessage(redemption: Redemption): RedeemTicketResponse {
  switch (redemption.kind) {
    case 'opened':
      return { outcome: { $case: 'signedIn', value: signedInMessage(redemption) } };
    case 'session-limit': {
      const sessions = redemption.sessions.map(summaryMessage);
      return { outcome: { $case: 'sessionLimit', value: { sessions } } };
    }
    case 'pending': {
      const { ticket, retryAfterMs } = redemption;
      const value = {
        state: TicketState[ticket.state],
        digits: shownDigits(ticket),
        expiresAt: new Date(ticket.expiresAt),
        retryAfter: durationMessage(retryAfterMs),
      };
      return { outcome: { $case: 'pending', value } };
    }
  }
}

/** The digits are of use only while they can be typed. */
function shownDigits({ state, digits }: Ticket): string {
  return state === 'SCANNED' || state === 'APPROVED' ? digits : '';
}
