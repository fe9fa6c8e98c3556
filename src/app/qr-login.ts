import { QrTickets, type QrTicketsOptions } from '../core/sign-in/qr-tickets.ts';
import { TicketRedemption, type TicketRedemptionOptions } from '../core/sign-in/ticket-redemption.ts';
import { type AppContext, ids } from './app-context.ts';

type Parts = Pick<QrTicketsOptions, 'store' | 'throttle' | 'events'> &
  Pick<TicketRedemptionOptions, 'liveSessions' | 'users' | 'reserved'>;

/** Assembles the sign-in by QR code. */
export function openQrLogin({ config, clock }: AppContext, parts: Parts) {
  const { publicOrigin, qrTicketTtlMs: ttlMs } = config;
  return {
    tickets: new QrTickets({ ...parts, clock, publicOrigin, ttlMs }),
    redemption: new TicketRedemption({ ...parts, clock, ids }),
  };
}
