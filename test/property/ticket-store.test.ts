import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryTicketStore } from '../../src/adapters/memory/memory-ticket-store.ts';
import { TICKET_MEMORY_MS, type TicketStep } from '../../src/core/sign-in/qr-ticket.ts';
import type { TicketStore } from '../../src/core/sign-in/ticket-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RedisServer } from '../support/redis-server.ts';
import { singleRedis } from '../support/redis-stores.ts';
import { ids, MINUTE } from '../support/sessions.ts';
import { anApprover, aTicket, openTickets, SECRET_HASH, TICKET_TTL } from '../support/tickets.ts';

/** Memory follows `decideTicketStep`; Redis follows its scripts. They take the same steps and must answer alike. */

let server: RedisServer;
let opened: Awaited<ReturnType<typeof openTickets>>;

beforeAll(async () => {
  server = await RedisServer.start();
  opened = await openTickets(singleRedis(server.port));
});

afterAll(async () => {
  await opened.close();
  await server.stop();
});

class World {
  readonly clock = new ManualClock();
  readonly memory = new MemoryTicketStore();
  readonly ticket = aTicket(this.clock.now());
  readonly approvers = [anApprover(), anApprover()] as const;

  async agree<T>(step: (store: TicketStore) => Promise<T>): Promise<T> {
    const [inMemory, inRedis] = [await step(this.memory), await step(opened.tickets)];
    expect(inRedis).toEqual(inMemory);
    return inMemory;
  }

  take(step: TicketStep, skewMs: number) {
    return this.agree((store) => store.step(this.ticket.ticketId, step, this.clock.now() + skewMs));
  }
}

type Step = (world: World) => Promise<unknown>;

const who = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const skewMs = fc.constantFrom(0, 0, 0, -2_000, 2_000);
const digits = fc.constantFrom('42', '42', '42', '07');

const scan = fc
  .record({ who, digits, skewMs, ttlMs: fc.constantFrom(MINUTE, TICKET_TTL) })
  .map((of): [string, Step] => [
    `scan ${JSON.stringify(of)}`,
    (world) => {
      const approver = world.approvers[of.who];
      return world.take({ kind: 'scan', approver, digits: of.digits, ttlMs: of.ttlMs }, of.skewMs);
    },
  ]);

const approve = fc.record({ who, digits, skewMs, securityVersion: fc.nat(3) }).map((of): [string, Step] => [
  `approve ${JSON.stringify(of)}`,
  (world) => {
    const approver = world.approvers[of.who];
    const { securityVersion } = of;
    return world.take({ kind: 'approve', approver, digits: of.digits, securityVersion }, of.skewMs);
  },
]);

const deny = fc
  .record({ who, skewMs, denial: fc.constantFrom('BY_APPROVER', 'APPROVER_SESSION_ENDED') })
  .map((of): [string, Step] => [
    `deny ${JSON.stringify(of)}`,
    (world) => world.take({ kind: 'deny', approver: world.approvers[of.who], denial: of.denial }, of.skewMs),
  ]);

const redeem = fc
  .record({ skewMs, secretHash: fc.constantFrom(SECRET_HASH, SECRET_HASH, SECRET_HASH, 'wrong') })
  .map((of): [string, Step] => [
    `redeem ${JSON.stringify(of)}`,
    (world) => {
      const sessionId = ids.next(world.clock.now());
      return world.take({ kind: 'redeem', secretHash: of.secretHash, sessionId }, of.skewMs);
    },
  ]);

const wait = fc
  .constantFrom(1, 1_499, 1_500, 6_500, 10_000, MINUTE, TICKET_TTL, TICKET_MEMORY_MS)
  .map((ms): [string, Step] => [`wait ${ms}`, async (world) => world.clock.advance(ms)]);

test('memory and Redis agree on QR tickets, step by step', async () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: scan },
      { weight: 3, arbitrary: approve },
      { weight: 4, arbitrary: redeem },
      { weight: 3, arbitrary: wait },
      deny,
    ),
    { minLength: 3, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const world = new World();
      await world.agree((store) => store.create(world.ticket));
      for (const [, step] of taken) {
        await step(world);
        await world.agree((store) => store.read(world.ticket.ticketId, world.clock.now()));
      }
    }),
    { numRuns: 300 },
  );
}, 120_000);
