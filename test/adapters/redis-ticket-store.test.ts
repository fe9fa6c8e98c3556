import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ticketKey } from '../../src/adapters/redis/keys.ts';
import { TICKET_MEMORY_MS } from '../../src/core/sign-in/qr-ticket.ts';
import { ticketStoreLaw } from '../conformance/ticket-store.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/failing.ts';
import { RedisServer } from '../support/redis-server.ts';
import { SERVICE_DEADLINE_MS, singleRedis } from '../support/redis-stores.ts';
import { anApprover, aTicket, openTickets, TICKET_TTL } from '../support/tickets.ts';

/** Longer than the deadline of a step. */
const FROZEN_MS = 750;

let server: RedisServer;
let opened: Awaited<ReturnType<typeof openTickets>>[];

beforeAll(async () => {
  server = await RedisServer.start();
  opened = [await openTickets(singleRedis(server.port)), await openTickets(singleRedis(server.port))];
});

afterAll(async () => {
  for (const { close } of opened) await close();
  await server.stop();
});

const tickets = (index = 0) => {
  const one = opened[index % opened.length];
  if (one === undefined) throw new Error('not opened');
  return one.tickets;
};

let turn = 0;
ticketStoreLaw('Redis', () => tickets(turn++));

describe('a QR ticket in Redis', () => {
  const now = Date.now();
  const scan = { kind: 'scan', approver: anApprover(), digits: '07', ttlMs: TICKET_TTL } as const;

  test('is a hash that goes by itself, with no secret in it', async () => {
    const ticket = aTicket(now);
    await tickets().create(ticket);
    const key = ticketKey(ticket.ticketId);
    expect(key).toBe(`lk:{qr:${ticket.ticketId}}`);
    expect(await server.with((redis) => redis.hgetall(key))).toMatchObject({
      ...{ format: '1', state: 'PENDING', digits: '', platform: 'Linux' },
      ...{ secret: ticket.secretHash, created_at: String(now) },
    });
    const ttl = TICKET_TTL + TICKET_MEMORY_MS;
    const life = await server.with((redis) => redis.pttl(key));
    expect(life).toBeGreaterThan(ttl - 60_000);
    expect(life).toBeLessThanOrEqual(ttl);
    await tickets().step(ticket.ticketId, scan, now + 60_000);
    expect(await server.with((redis) => redis.pttl(key))).toBeGreaterThan(ttl - 60_000);
  });

  test.each([
    ['format', '2'],
    ['expires_at', 'soon'],
    ['poll_interval', ''],
    ['state', 'UNKNOWN'],
    ['labels', '{'],
  ])('is missing if its %s is %j', async (field, value) => {
    const ticket = aTicket(now);
    await tickets().create(ticket);
    await server.with((redis) => redis.hset(ticketKey(ticket.ticketId), field, value));
    expect(await tickets().read(ticket.ticketId, now)).toBeUndefined();
    const deny = { kind: 'deny', approver: scan.approver, denial: 'BY_APPROVER' } as const;
    expect(['missing', 'not-approver']).toContain((await tickets().step(ticket.ticketId, deny, now)).kind);
  });

  test('is not scanned by a step that Redis runs after its caller gave up', async () => {
    const hasty = await openTickets(singleRedis(server.port), SERVICE_DEADLINE_MS);
    const ticket = aTicket(now);
    await hasty.tickets.create(ticket);
    const began = performance.now();
    server.freeze();
    expect(await outcomeOf(hasty.tickets.step(ticket.ticketId, scan, now))).toBe('STORE_UNAVAILABLE');
    await eventually(() => performance.now() - began > FROZEN_MS);
    server.thaw();
    await eventually(async () => (await tickets().read(ticket.ticketId, now))?.state === 'PENDING');
    await hasty.close();
  });

  test('tells its listeners that changes were missed, and of later ones, after Redis was wiped', async () => {
    const other = await openTickets(singleRedis(server.port));
    const seen: string[] = [];
    other.tickets.follow({
      changed: (ticketId) => void seen.push(ticketId),
      missed: () => void seen.push('missed'),
    });
    await eventually(() => seen.length === 1);
    const [one, two] = [aTicket(now), aTicket(now)];
    await tickets().create(one);
    await tickets().step(one.ticketId, scan, now);
    await eventually(() => seen.at(-1) === one.ticketId);
    await server.with((redis) => redis.flushall());
    await eventually(() => seen.at(-1) === 'missed', 10_000);
    await tickets().create(two);
    await tickets().step(two.ticketId, scan, now);
    await eventually(() => seen.at(-1) === two.ticketId);
    await other.close();
  });
});
