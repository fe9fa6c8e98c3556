import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Failure } from '../../src/core/failure.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { Ticket } from '../../src/core/sign-in/qr-ticket.ts';
import type { TicketCaller } from '../../src/core/sign-in/qr-tickets.ts';
import { hashOfSecret } from '../../src/core/sign-in/random-secrets.ts';
import type { TicketSink } from '../../src/core/sign-in/ticket-watchers.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf } from '../support/failing.ts';
import { ASKER, callerOf, QrWorld } from '../support/qr-world.ts';
import { TICKET_TTL } from '../support/tickets.ts';

let qr: QrWorld;
let phone: OpenedSession;
let caller: TicketCaller;

beforeEach(async () => {
  qr = await QrWorld.open({}, undefined, { ticket: 2, server: 3 });
  phone = await qr.world.open(qr.world.addUser());
  caller = callerOf(phone);
});

afterEach(async () => {
  jest.useRealTimers();
  await qr.world.close();
});

class Recorder implements TicketSink {
  readonly states: string[] = [];
  last: Ticket | undefined;
  failure: Failure | undefined;

  send(ticket: Ticket): void {
    this.last = ticket;
    this.states.push(ticket.state);
  }

  fail(failure: Failure): void {
    this.failure = failure;
  }

  async hears(...states: string[]): Promise<void> {
    await eventually(() => this.states.length >= states.length);
    expect(this.states).toEqual(states);
  }
}

const watch = async (ticketId: string, redeemSecret: string) => {
  const sink = new Recorder();
  await qr.watchers.watch(ticketId, hashOfSecret(redeemSecret), sink).read();
  return sink;
};

test('a watcher hears each step, and is forgotten after the last', async () => {
  const created = await qr.tickets.create(ASKER);
  const { ticketId } = created.ticket;
  const sink = await watch(ticketId, created.redeemSecret);
  await sink.hears('PENDING');
  const { digits } = (await qr.tickets.scan(ticketId, caller, '')).ticket;
  await sink.hears('PENDING', 'SCANNED');
  expect(sink.last?.digits).toBe(digits);
  await qr.tickets.approve(ticketId, caller, digits, '');
  await sink.hears('PENDING', 'SCANNED', 'APPROVED');
  expect(qr.watchers.size).toBe(1);
  await qr.redeem(created);
  await sink.hears('PENDING', 'SCANNED', 'APPROVED', 'REDEEMED');
  expect(qr.watchers.size).toBe(0);
});

test("a watcher hears that the ticket died with the approver's session", async () => {
  const scanned = await qr.scanned(caller);
  const sink = await watch(scanned.ticket.ticketId, scanned.redeemSecret);
  await qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken);
  await sink.hears('SCANNED', 'DENIED');
  expect(sink.last?.denial).toBe('APPROVER_SESSION_ENDED');
  expect((await qr.store.read(scanned.ticket.ticketId, qr.world.clock.now()))?.state).toBe('DENIED');
});

test('a watcher that comes after the end of the session hears it too', async () => {
  const approved = await qr.approved(caller);
  await qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken);
  await qr.world.settle();
  await (await watch(approved.ticket.ticketId, approved.redeemSecret)).hears('DENIED');
});

test('a watcher hears by its own timer that the ticket has expired', async () => {
  const created = await qr.tickets.create(ASKER);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const sink = await watch(created.ticket.ticketId, created.redeemSecret);
  const pass = async (ms: number) => {
    qr.world.clock.advance(ms);
    await jest.advanceTimersByTimeAsync(ms);
  };
  for (let passed = 0; passed < TICKET_TTL - 1; passed += 1_000)
    await pass(Math.min(1_000, TICKET_TTL - 1 - passed));
  expect(sink.states).toEqual(['PENDING']);
  await pass(1);
  expect(sink.states).toEqual(['PENDING', 'EXPIRED']);
});

test('a change that was not told is found within 30 s', async () => {
  const created = await qr.tickets.create(ASKER);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const sink = await watch(created.ticket.ticketId, created.redeemSecret);
  const changed = jest.spyOn(qr.watchers, 'changed').mockImplementation(() => undefined);
  await qr.tickets.scan(created.ticket.ticketId, caller, '');
  expect(sink.states).toEqual(['PENDING']);
  await jest.advanceTimersByTimeAsync(30_000);
  expect(sink.states).toEqual(['PENDING', 'SCANNED']);
  changed.mockRestore();
});

test('a change that may be missed makes every watcher read again', async () => {
  const created = await qr.tickets.create(ASKER);
  const sink = await watch(created.ticket.ticketId, created.redeemSecret);
  const changed = jest.spyOn(qr.watchers, 'changed').mockImplementation(() => undefined);
  await qr.tickets.scan(created.ticket.ticketId, caller, '');
  qr.watchers.missed();
  await sink.hears('PENDING', 'SCANNED');
  changed.mockRestore();
});

test('a store that is away delays a change and loses none', async () => {
  const created = await qr.tickets.create(ASKER);
  const sink = await watch(created.ticket.ticketId, created.redeemSecret);
  const read = jest.spyOn(qr.store, 'read').mockRejectedValueOnce(new Error('away'));
  await qr.tickets.scan(created.ticket.ticketId, caller, '');
  await sink.hears('PENDING', 'SCANNED');
  expect(read.mock.calls.length).toBeGreaterThan(1);
});

test('a ticket that is unknown and a wrong secret get the same answer', async () => {
  const { ticket, redeemSecret } = await qr.tickets.create(ASKER);
  const [unknown, wrong] = [await watch('unknown', redeemSecret), await watch(ticket.ticketId, 'wrong')];
  expect(unknown.failure?.reason).toBe('TICKET_NOT_FOUND');
  expect(wrong.failure?.message).toBe(unknown.failure?.message);
  expect(qr.watchers.size).toBe(0);
});

test('watchers are limited by ticket and by process', async () => {
  const [one, two] = [await qr.tickets.create(ASKER), await qr.tickets.create(ASKER)];
  const watchOf = ({ ticket, redeemSecret }: typeof one) => watch(ticket.ticketId, redeemSecret);
  await watchOf(one);
  await watchOf(one);
  const limited = await failureOf(watchOf(one));
  expect(limited).toMatchObject({ reason: 'TOO_MANY_WATCHES', metadata: { limit: 'ticket' } });
  await watchOf(two);
  expect((await failureOf(watchOf(two))).metadata).toEqual({ limit: 'server' });
});
