import { openRedis, type RedisAddress } from '../../src/adapters/redis/connection.ts';
import { RedisTicketStore } from '../../src/adapters/redis/redis-ticket-store.ts';
import { type Approver, FIRST_POLL_INTERVAL_MS, type Ticket } from '../../src/core/sign-in/qr-ticket.ts';
import { newRandomId } from '../../src/core/sign-in/random-secrets.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { ids, MINUTE } from './sessions.ts';

export const TICKET_TTL = 2 * MINUTE;
export const DIGITS = '42';
export const SECRET_HASH = 'hash of the secret';

/** A new ticket at `now`, as `QrTickets` would make it. */
export function aTicket(now: number, given: Partial<Ticket> = {}): Ticket {
  return {
    ticketId: newRandomId(),
    secretHash: SECRET_HASH,
    state: 'PENDING',
    denial: undefined,
    createdAt: now,
    expiresAt: now + TICKET_TTL,
    clientId: 'web',
    device: { deviceId: 'd-1', name: 'Firefox on Linux', platform: 'Linux' },
    ipAddress: '192.0.2.7',
    network: '192.0.2.7',
    labels: { app: '5.2 "]' },
    approver: undefined,
    digits: '',
    securityVersion: 0,
    sessionId: '',
    decidedAt: 0,
    redeemedAt: 0,
    pollIntervalMs: FIRST_POLL_INTERVAL_MS,
    pollFrom: 0,
    ...given,
  };
}

export function anApprover(): Approver {
  return { userId: ids.next(0), sessionId: ids.next(0) };
}

/** A store on connections of its own, as one process opens it. */
export async function openTickets(
  address: RedisAddress,
  deadlineMs = 5_000,
): Promise<{ readonly tickets: RedisTicketStore; close(): Promise<void> }> {
  const connect = (name: string) =>
    openRedis(address, { name, deadlineMs: 2 * deadlineMs, onDown: () => {}, onUp: () => {} });
  const commands = await connect('commands');
  const tickets = new RedisTicketStore({
    ...{ commands, deadlineMs, clock: systemClock },
    changes: await connect('changes'),
  });
  return {
    tickets,
    close: async () => {
      commands.disconnect();
      await tickets.close();
    },
  };
}
