import { describe, expect, test } from '@jest/globals';
import {
  decideTicketStep,
  FIRST_POLL_INTERVAL_MS,
  MAX_POLL_INTERVAL_MS,
  POLL_LEEWAY_MS,
  POLL_PENALTY_MS,
  TICKET_MEMORY_MS,
  type Ticket,
  type TicketState,
  type TicketStep,
  ticketAt,
} from '../../src/core/sign-in/qr-ticket.ts';
import { ids } from '../support/sessions.ts';
import { anApprover, aTicket, DIGITS, SECRET_HASH, TICKET_TTL } from '../support/tickets.ts';

const NOW = Date.UTC(2026, 0, 1);
const approver = anApprover();
const stranger = anApprover();
const sessionId = ids.next(NOW);

function inState(state: TicketState): Ticket {
  const scanned = state === 'PENDING' || state === 'EXPIRED' ? {} : { approver, digits: DIGITS };
  const denial = state === 'DENIED' ? ('BY_APPROVER' as const) : undefined;
  const redeemed = state === 'REDEEMED' ? { sessionId, redeemedAt: NOW } : {};
  return aTicket(NOW, { state, denial, ...scanned, ...redeemed });
}

const STEPS = {
  scan: { kind: 'scan', approver, digits: '17', ttlMs: TICKET_TTL },
  'scan by another': { kind: 'scan', approver: stranger, digits: '17', ttlMs: TICKET_TTL },
  approve: { kind: 'approve', approver, digits: DIGITS, securityVersion: 3 },
  'wrong digits': { kind: 'approve', approver, digits: '43', securityVersion: 3 },
  'approve by another': { kind: 'approve', approver: stranger, digits: DIGITS, securityVersion: 3 },
  deny: { kind: 'deny', approver, denial: 'BY_APPROVER' },
  'deny by another': { kind: 'deny', approver: stranger, denial: 'BY_APPROVER' },
  redeem: { kind: 'redeem', secretHash: SECRET_HASH, sessionId },
  'redeem with a wrong secret': { kind: 'redeem', secretHash: 'x', sessionId },
} as const satisfies Readonly<Record<string, TicketStep>>;

/** The outcome of each step in each state, and the state after it. */
const TABLE: Readonly<Record<keyof typeof STEPS, Readonly<Record<TicketState, string>>>> = {
  scan: {
    PENDING: 'done SCANNED',
    SCANNED: 'done SCANNED',
    APPROVED: 'done APPROVED',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  'scan by another': {
    PENDING: 'done SCANNED',
    SCANNED: 'not-approver',
    APPROVED: 'not-approver',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  approve: {
    PENDING: 'not-approver',
    SCANNED: 'done APPROVED',
    APPROVED: 'done APPROVED',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  'wrong digits': {
    PENDING: 'not-approver',
    SCANNED: 'over DENIED',
    APPROVED: 'over DENIED',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  'approve by another': {
    PENDING: 'not-approver',
    SCANNED: 'not-approver',
    APPROVED: 'not-approver',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  deny: {
    PENDING: 'not-approver',
    SCANNED: 'done DENIED',
    APPROVED: 'done DENIED',
    REDEEMED: 'over REDEEMED',
    DENIED: 'done DENIED',
    EXPIRED: 'over EXPIRED',
  },
  'deny by another': {
    PENDING: 'not-approver',
    SCANNED: 'not-approver',
    APPROVED: 'not-approver',
    REDEEMED: 'over REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  redeem: {
    PENDING: 'pending PENDING',
    SCANNED: 'pending SCANNED',
    APPROVED: 'done REDEEMED',
    REDEEMED: 'done REDEEMED',
    DENIED: 'over DENIED',
    EXPIRED: 'over EXPIRED',
  },
  'redeem with a wrong secret': {
    PENDING: 'missing',
    SCANNED: 'missing',
    APPROVED: 'missing',
    REDEEMED: 'missing',
    DENIED: 'missing',
    EXPIRED: 'missing',
  },
};

const cases = Object.entries(TABLE).flatMap(([step, row]) =>
  Object.entries(row).map(([state, expected]) => [step, state, expected] as const),
);

test.each(cases)('%s of a ticket that is %s: %s', (step, state, expected) => {
  const outcome = decideTicketStep(inState(state as TicketState), STEPS[step as keyof typeof STEPS], NOW + 1);
  const after = 'ticket' in outcome ? ` ${outcome.ticket.state}` : '';
  expect(`${outcome.kind}${after}`).toBe(expected);
});

const step = (ticket: Ticket, made: TicketStep, now = NOW) => {
  const outcome = decideTicketStep(ticket, made, now);
  if (!('ticket' in outcome)) throw new Error(outcome.kind);
  return outcome;
};

describe('a ticket', () => {
  test('expires, is remembered as expired, and is then forgotten', () => {
    const ticket = inState('APPROVED');
    expect(ticketAt(ticket, ticket.expiresAt - 1)?.state).toBe('APPROVED');
    expect(ticketAt(ticket, ticket.expiresAt)?.state).toBe('EXPIRED');
    const forgottenAt = ticket.expiresAt + TICKET_MEMORY_MS;
    expect(ticketAt(ticket, forgottenAt - 1)?.state).toBe('EXPIRED');
    expect(ticketAt(ticket, forgottenAt)).toBeUndefined();
    expect(decideTicketStep(ticket, STEPS.scan, forgottenAt).kind).toBe('missing');
    expect(decideTicketStep(undefined, STEPS.scan, NOW).kind).toBe('missing');
  });

  test.each(['REDEEMED', 'DENIED'] as const)('that is %s does not expire any more', (state) => {
    const ticket = inState(state);
    expect(ticketAt(ticket, ticket.expiresAt + 1)?.state).toBe(state);
  });

  test('lives longer after the first scan only, and keeps the digits of that scan', () => {
    const scanned = step(inState('PENDING'), STEPS.scan, NOW + 60_000).ticket;
    expect(scanned.expiresAt).toBe(NOW + 60_000 + TICKET_TTL);
    const again = step(scanned, { ...STEPS.scan, digits: '99' }, NOW + 90_000).ticket;
    expect(again).toEqual(scanned);
    expect(step(scanned, STEPS.approve).kind).toBe('over');
    expect(step(scanned, { ...STEPS.approve, digits: '17' }).ticket.securityVersion).toBe(3);
  });

  test('keeps the session id of its first redemption', () => {
    const redeemed = step(inState('APPROVED'), STEPS.redeem, NOW + 5).ticket;
    expect(redeemed).toMatchObject({ sessionId, redeemedAt: NOW + 5 });
    const other = { ...STEPS.redeem, sessionId: ids.next(NOW) };
    expect(step(redeemed, other, NOW + 9).ticket).toEqual(redeemed);
  });

  test('tells who wrong digits were by, and who denied it', () => {
    expect(step(inState('SCANNED'), STEPS['wrong digits']).ticket.denial).toBe('WRONG_DIGITS');
    expect(step(inState('SCANNED'), STEPS.deny).ticket.denial).toBe('BY_APPROVER');
    const denied = inState('DENIED');
    const later = { ...STEPS.deny, denial: 'APPROVER_SESSION_ENDED' as const };
    expect(step(denied, later).ticket).toEqual(denied);
  });

  test('may be polled in its interval, which grows with each early poll', () => {
    const first = step(inState('PENDING'), STEPS.redeem);
    expect(first.kind).toBe('pending');
    const onTime = NOW + FIRST_POLL_INTERVAL_MS - POLL_LEEWAY_MS;
    expect(step(first.ticket, STEPS.redeem, onTime).kind).toBe('pending');
    const early = step(first.ticket, STEPS.redeem, onTime - 1);
    expect(early.kind).toBe('too-early');
    expect(early.ticket.pollIntervalMs).toBe(FIRST_POLL_INTERVAL_MS + POLL_PENALTY_MS);
    let { ticket } = early;
    for (let poll = 0; poll < 9; poll += 1) ticket = step(ticket, STEPS.redeem, onTime).ticket;
    expect(ticket.pollIntervalMs).toBe(MAX_POLL_INTERVAL_MS);
  });

  test('that is approved is redeemed however early the poll is', () => {
    const polled = step(inState('SCANNED'), STEPS.redeem).ticket;
    const approved = step(polled, STEPS.approve).ticket;
    expect(step(approved, STEPS.redeem).ticket.state).toBe('REDEEMED');
  });
});
