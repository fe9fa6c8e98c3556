import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Approver,
  TICKET_MEMORY_MS,
  type Ticket,
  type TicketStep,
} from '../../src/core/sign-in/qr-ticket.ts';
import type { TicketStore } from '../../src/core/sign-in/ticket-store.ts';
import { eventually } from '../support/eventually.ts';
import { ids } from '../support/sessions.ts';
import { anApprover, aTicket, DIGITS, SECRET_HASH, TICKET_TTL } from '../support/tickets.ts';

const AT_ONCE = 50;

/**
 * The law of `TicketStore`, besides what the model-based test compares.
 *
 * @param open a store as one process opens it; two of them share their tickets.
 */
export function ticketStoreLaw(name: string, open: () => TicketStore): void {
  describe(`QR tickets in ${name}`, () => {
    let now: number;
    let ticket: Ticket;
    let approver: Approver;
    beforeEach(async () => {
      now = Date.now();
      ticket = aTicket(now);
      approver = anApprover();
      await open().create(ticket);
    });

    const take = (step: TicketStep, at = now) => open().step(ticket.ticketId, step, at);
    const scan = (by = approver) => take({ kind: 'scan', approver: by, digits: DIGITS, ttlMs: TICKET_TTL });
    const approve = (digits = DIGITS, by = approver) =>
      take({ kind: 'approve', approver: by, digits, securityVersion: 1 });
    const deny = () => take({ kind: 'deny', approver, denial: 'BY_APPROVER' });
    const redeem = (at = now, secretHash = SECRET_HASH) =>
      take({ kind: 'redeem', secretHash, sessionId: ids.next(at) }, at);
    const stored = (at = now) => open().read(ticket.ticketId, at);

    test('are read as they were created', async () => {
      expect(await stored()).toEqual(ticket);
      expect(await open().read('unknown', now)).toBeUndefined();
    });

    test('go from state to state', async () => {
      expect(await scan()).toMatchObject({ kind: 'done', ticket: { state: 'SCANNED', digits: DIGITS } });
      expect(await approve()).toMatchObject({ kind: 'done', ticket: { state: 'APPROVED' } });
      const redeemed = await redeem();
      expect(redeemed).toMatchObject({ kind: 'done', ticket: { state: 'REDEEMED', redeemedAt: now } });
      expect(await redeem(now + 9)).toEqual(redeemed);
      expect(await deny()).toMatchObject({ kind: 'over', ticket: { state: 'REDEEMED' } });
    });

    test('that are unknown, or asked for with a wrong secret, are missing', async () => {
      expect(await redeem(now, 'wrong')).toEqual({ kind: 'missing' });
      const unknown = { kind: 'deny', approver, denial: 'BY_APPROVER' } as const;
      expect(await open().step('unknown', unknown, now)).toEqual({ kind: 'missing' });
      expect(await stored()).toEqual(ticket);
    });

    test('are remembered longer than they live', async () => {
      await scan();
      const expiresAt = now + TICKET_TTL;
      expect((await stored(expiresAt))?.state).toBe('EXPIRED');
      expect((await stored(expiresAt + TICKET_MEMORY_MS - 1))?.state).toBe('EXPIRED');
      expect(await stored(expiresAt + TICKET_MEMORY_MS)).toBeUndefined();
    });

    test('that have expired stay so, also for a server whose clock is behind', async () => {
      expect(await redeem(now + TICKET_TTL)).toMatchObject({ kind: 'over' });
      expect(await scan()).toMatchObject({ kind: 'over', ticket: { state: 'EXPIRED' } });
    });

    test('have one approver, however many scan at the same time', async () => {
      const scanners = Array.from({ length: AT_ONCE }, anApprover);
      const outcomes = await Promise.all(scanners.map((each) => scan(each)));
      expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'not-approver')).toHaveLength(AT_ONCE - 1);
    });

    test('get one session id, however many redeem at the same time', async () => {
      await scan();
      await approve();
      const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, () => redeem()));
      const chosen = outcomes.map((each) => ('ticket' in each ? each.ticket.sessionId : each.kind));
      expect(new Set(chosen)).toEqual(new Set([(await stored())?.sessionId]));
    });

    test('are approved or denied, never both, while everything happens at the same time', async () => {
      await scan();
      const steps = Array.from({ length: AT_ONCE }, (_, index) =>
        [() => approve(), () => approve('00'), () => scan(anApprover()), () => redeem(), deny][index % 5]?.(),
      );
      await Promise.all(steps);
      const { state, sessionId } = (await stored()) ?? {};
      expect([state, sessionId !== '']).toEqual(expect.arrayContaining([state === 'REDEEMED']));
      expect(['REDEEMED', 'DENIED']).toContain(state);
    });

    test('tell every listener that they have changed', async () => {
      const seen: string[][] = [[], [], []];
      for (const changes of seen) {
        open().follow({
          changed: (id) => void (id === ticket.ticketId && changes.push(id)),
          missed: () => void changes.push('missed'),
        });
      }
      await eventually(() => seen.every(({ length }) => length === 1));
      await scan();
      await scan();
      await approve();
      await deny();
      await eventually(() =>
        seen.every((changes) => changes.join() === ['missed', ...Array(3).fill(ticket.ticketId)].join()),
      );
    });
  });
}
