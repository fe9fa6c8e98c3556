import { expect, test } from '@jest/globals';
import { MemoryTicketStore } from '../../src/adapters/memory/memory-ticket-store.ts';
import { TICKET_MEMORY_MS } from '../../src/core/sign-in/qr-ticket.ts';
import { ticketStoreLaw } from '../conformance/ticket-store.ts';
import { aTicket, TICKET_TTL } from '../support/tickets.ts';

const shared = new MemoryTicketStore();

ticketStoreLaw('memory', () => shared);

test('tickets in memory that are forgotten take no room', async () => {
  const store = new MemoryTicketStore();
  const now = Date.now();
  const first = aTicket(now);
  await store.create(first);
  await store.create(aTicket(now + TICKET_TTL + TICKET_MEMORY_MS));
  expect(await store.read(first.ticketId, now)).toBeUndefined();
});
