import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import { storeIn } from '../../src/core/audit/audit-outbox.ts';
import { Failure } from '../../src/core/failure.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { TicketCaller } from '../../src/core/sign-in/qr-tickets.ts';
import { OPENING_MS } from '../../src/core/sign-in/reserved-sessions.ts';
import type { User } from '../../src/core/user/user.ts';
import { failureOf, outcomeOf } from '../support/failing.ts';
import { ASKER, callerOf, GRACE, ORIGIN, QrWorld } from '../support/qr-world.ts';
import { NO_RISK } from '../support/risk.ts';
import { HOUR, ids } from '../support/sessions.ts';
import { TICKET_TTL } from '../support/tickets.ts';

let qr: QrWorld;
let user: User;
let phone: OpenedSession;
let caller: TicketCaller;

beforeEach(async () => {
  qr = await QrWorld.open();
  user = qr.world.addUser();
  phone = await qr.world.open(user);
  caller = callerOf(phone);
});

afterEach(() => qr.world.close());

const sessionIdOf = (outcome: Awaited<ReturnType<QrWorld['redeem']>>) =>
  outcome.kind === 'opened' ? outcome.session.sessionId : '';
const redeemed = async (of: Parameters<QrWorld['redeem']>[0]) => {
  const redemption = await qr.redeem(of);
  if (redemption.kind !== 'opened') throw new Error(redemption.kind);
  return redemption;
};
const livingSessions = async () => (await qr.world.store.list(user.userId, qr.world.clock.now())).length;
const events = () => qr.world.events.all.map(({ kind }) => kind);

describe('a QR ticket', () => {
  test('has an unguessable id in a URL of the public origin, and its secret is stored as a hash', async () => {
    const { ticket, redeemSecret, url } = await qr.tickets.create(ASKER);
    expect(url).toBe(`${ORIGIN}/qr/${ticket.ticketId}`);
    expect(ticket.ticketId).toMatch(/^[\w-]{22}$/);
    expect(redeemSecret).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(ticket)).not.toContain(redeemSecret);
  });

  test('has no digits before it is scanned, and two after', async () => {
    const { ticket } = await qr.tickets.create(ASKER);
    expect(ticket.digits).toBe('');
    const scanned = await qr.tickets.scan(ticket.ticketId, caller, '');
    expect(scanned.ticket.digits).toMatch(/^\d\d$/);
  });

  test('tells the approver whether the networks are the same, if both are known', async () => {
    const { ticketId } = (await qr.tickets.create(ASKER)).ticket;
    const sharesNetwork = async (network: string) =>
      (await qr.tickets.scan(ticketId, caller, network)).sharesNetwork;
    expect(await sharesNetwork(ASKER.network)).toBe(true);
    expect(await sharesNetwork('192.0.2.8')).toBe(false);
    const unknown = await qr.tickets.create({ ...ASKER, network: '' });
    expect((await qr.tickets.scan(unknown.ticket.ticketId, caller, '')).sharesNetwork).toBe(false);
  });

  test('opens a session of its own with the method mca, and the device that asked', async () => {
    const { session, tokens, deviceToken } = await redeemed(await qr.approved(caller));
    expect(session).toMatchObject({
      ...{ userId: user.userId, clientId: 'web', device: ASKER.device, ipAddress: ASKER.ipAddress },
      authenticationMethods: ['mca'],
    });
    expect(session.sessionId).not.toBe(phone.session.sessionId);
    expect(deviceToken).toMatch(/^lkd_/);
    expect((await qr.world.refresh(tokens.refreshToken)).session.sessionId).toBe(session.sessionId);
    expect(qr.world.events.all).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'SignedIn', sessionId: session.sessionId },
        opened: expect.objectContaining({ methods: 'mca' }),
        actor: expect.objectContaining({ kind: 'caller', sessionId: phone.session.sessionId }),
      }),
    );
    expect(events()).toContain('TicketApproved');
  });

  test('is assessed as any sign-in: the session is marked, shortened and reported', async () => {
    const reported: unknown[] = [];
    const assessment = { isNewDevice: true, lifetimeMs: HOUR, finding: undefined };
    qr.risk = {
      signIn: async ({ userId }, attempt) => {
        expect(userId).toBe(user.userId);
        const { clientId, device, ipAddress } = ASKER;
        expect(attempt).toEqual({ clientId, device, ipAddress, isKnownDevice: false });
        return assessment;
      },
      signedIn: (...given) => reported.push(given),
    };
    const { session } = await redeemed(await qr.approved(caller));
    expect(session.isNewDevice).toBe(true);
    expect(session.absoluteDeadline).toBe(qr.world.clock.now() + HOUR);
    const actor = expect.objectContaining({ kind: 'caller', sessionId: phone.session.sessionId });
    expect(reported).toEqual([[assessment, session, actor]]);
  });

  test('that a risk rule refuses opens nothing, however often it is redeemed', async () => {
    const refused = new Failure('SIGN_IN_RISK', 'too unusual');
    qr.risk = { ...NO_RISK, signIn: () => Promise.reject(refused) };
    const approved = await qr.approved(caller);
    expect(await outcomeOf(qr.redeem(approved))).toBe('SIGN_IN_RISK');
    qr.world.clock.advance(OPENING_MS);
    expect(await outcomeOf(qr.redeem(approved))).toBe('SIGN_IN_RISK');
    expect(await livingSessions()).toBe(1);
    expect(events().filter((kind) => kind === 'SignInRefused')).toHaveLength(2);
  });

  test('is over after one wrong try of the digits, and the trail has it', async () => {
    const scanned = await qr.scanned(caller);
    const { ticketId } = scanned.ticket;
    const wrong = scanned.digits === '00' ? '01' : '00';
    const over = { reason: 'TICKET_OVER', metadata: { state: 'DENIED', denial: 'WRONG_DIGITS' } };
    expect(await failureOf(qr.tickets.approve(ticketId, caller, wrong, ''))).toMatchObject(over);
    expect(await failureOf(qr.tickets.approve(ticketId, caller, scanned.digits, ''))).toMatchObject(over);
    expect(await failureOf(qr.redeem(scanned))).toMatchObject(over);
    expect(qr.world.events.all).toContainEqual(
      expect.objectContaining({ kind: 'TicketDenied', reason: 'WRONG_DIGITS' }),
    );
  });

  test('that ended by a wrong try leaves no trace of another user who approves it', async () => {
    const scanned = await qr.scanned(caller);
    const { ticketId } = scanned.ticket;
    const wrong = scanned.digits === '00' ? '01' : '00';
    await failureOf(qr.tickets.approve(ticketId, caller, wrong, ''));
    const other = callerOf(await qr.world.open(qr.world.addUser()));
    const before = qr.world.events.all.length;
    expect(await outcomeOf(qr.tickets.approve(ticketId, other, scanned.digits, ''))).toBe('TICKET_OVER');
    expect(qr.world.events.all).toHaveLength(before);
  });

  test('is not approved or denied by a session that has not scanned it', async () => {
    const scanned = await qr.scanned(caller);
    const { ticketId } = scanned.ticket;
    const other = callerOf(await qr.world.open(user, { deviceId: 'another phone' }));
    for (const work of [
      qr.tickets.scan(ticketId, other, ''),
      qr.tickets.approve(ticketId, other, scanned.digits, ''),
      qr.tickets.deny(ticketId, other, ''),
    ]) {
      expect(await outcomeOf(work)).toBe('NOT_TICKET_APPROVER');
    }
  });

  test('that is unknown and a wrong secret get the same answer', async () => {
    const approved = await qr.approved(caller);
    const unknown = { ...approved, ticket: { ...approved.ticket, ticketId: 'x'.repeat(22) } };
    const wrong = { ...approved, redeemSecret: 'x'.repeat(43) };
    const [one, other] = [await failureOf(qr.redeem(unknown)), await failureOf(qr.redeem(wrong))];
    expect(one.reason).toBe('TICKET_NOT_FOUND');
    expect(other).toMatchObject({ reason: one.reason, message: one.message });
    expect((await redeemed(approved)).kind).toBe('opened');
  });

  test('that is denied or has expired says so', async () => {
    const denied = await qr.approved(caller);
    await qr.tickets.deny(denied.ticket.ticketId, caller, '');
    await qr.tickets.deny(denied.ticket.ticketId, caller, '');
    expect((await failureOf(qr.redeem(denied))).metadata).toEqual({ state: 'DENIED', denial: 'BY_APPROVER' });
    const expired = await qr.approved(caller);
    qr.world.clock.advance(TICKET_TTL);
    expect((await failureOf(qr.redeem(expired))).metadata).toEqual({ state: 'EXPIRED' });
    expect(await livingSessions()).toBe(1);
  });
});

describe('polling a QR ticket', () => {
  test('tells the state and when to poll again, and an early poll that it is too early', async () => {
    const created = await qr.tickets.create(ASKER);
    expect(await qr.redeem(created)).toMatchObject({ kind: 'pending', retryAfterMs: 2_000 });
    const early = await failureOf(qr.redeem(created));
    expect(early).toMatchObject({ reason: 'TICKET_POLLED_TOO_OFTEN', retryAfterMs: 7_000 });
    qr.world.clock.advance(7_000);
    await qr.tickets.scan(created.ticket.ticketId, caller, '');
    expect(await qr.redeem(created)).toMatchObject({
      ...{ kind: 'pending', retryAfterMs: 7_000 },
      ticket: { state: 'SCANNED', digits: expect.stringMatching(/^\d\d$/) },
    });
  });
});

describe('a QR ticket dies before it is redeemed', () => {
  const dead = { state: 'DENIED', denial: 'APPROVER_SESSION_ENDED' };
  const ends: Readonly<Record<string, () => Promise<unknown>>> = {
    "with the approver's session": () => qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken),
    'with all sessions of the user': () => qr.world.control.endAll(user.userId, caller),
    'when the user is disabled': async () => qr.world.changeUser(user, { disabledAt: 1, securityVersion: 2 }),
    'when the password changes': async () => qr.world.changeUser(user, { securityVersion: 2 }),
    'at the deadline of the session': async () =>
      qr.world.store.end({
        ...{ userId: user.userId, sessionId: phone.session.sessionId, reason: 'IDLE' as const },
        ...{ tombstoneTtlMs: 1_000_000, now: qr.world.clock.now() },
      }),
  };

  test.each(Object.keys(ends))('%s', async (how) => {
    const approved = await qr.approved(caller);
    await ends[how]?.();
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual(dead);
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual(dead);
    expect(events().filter((kind) => kind === 'SignedIn')).toHaveLength(1);
  });

  test('also if the end comes between the check of the approver and the redemption', async () => {
    const approved = await qr.approved(caller);
    const { step } = qr.store;
    qr.store.step = async (...given) => {
      if (given[1].kind === 'redeem') {
        await qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken);
      }
      return step.apply(qr.store, given);
    };
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual(dead);
    expect(await livingSessions()).toBe(0);
  });

  test('also if all sessions of the user end just before the new one is created', async () => {
    const approved = await qr.approved(caller);
    const { create } = qr.world.store;
    qr.world.store.create = async (request) => {
      await qr.world.control.endAll(user.userId, caller);
      return create.call(qr.world.store, request);
    };
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual(dead);
    expect(await livingSessions()).toBe(0);
  });

  test('so an ended session cannot approve it', async () => {
    const scanned = await qr.scanned(caller);
    await qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken);
    const approving = qr.tickets.approve(scanned.ticket.ticketId, caller, scanned.digits, '');
    expect(await outcomeOf(approving)).toBe('SESSION_ENDED');
  });
});

test('a decision that is repeated later is one event in the trail', async () => {
  const { ticket, digits } = await qr.scanned(caller);
  const approve = () => qr.tickets.approve(ticket.ticketId, caller, digits, '');
  const deny = () => qr.tickets.deny(ticket.ticketId, caller, '');
  const eventIds: string[] = [];
  const append = async (events: readonly AuditEvent[]) =>
    void eventIds.push(...events.map(({ eventId }) => eventId));
  const store = storeIn({ appendIfRoom: append, appendConfirmed: (event) => append([event]) }, ids);
  for (const step of [approve, approve, deny, deny]) {
    await step();
    qr.world.clock.advance(1_000);
  }
  for (const event of qr.world.events.stored.slice(-4)) await store(event);
  expect(eventIds).toEqual([eventIds[0], eventIds[0], eventIds[2], eventIds[2]]);
  expect(eventIds[0]).not.toBe(eventIds[2]);
});

describe('redeeming again', () => {
  test('within the grace gives the same session, also after its approver is gone', async () => {
    const approved = await qr.approved(caller);
    const first = await redeemed(approved);
    await qr.world.sessions.logoutByRefreshToken(phone.tokens.refreshToken);
    qr.world.clock.advance(GRACE);
    const again = await redeemed(approved);
    expect(again.session.sessionId).toBe(first.session.sessionId);
    expect(again.tokens.refreshToken).toBe(first.tokens.refreshToken);
    qr.world.clock.advance(1);
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual({ state: 'REDEEMED' });
  });

  test('gives no session that has ended', async () => {
    const approved = await qr.approved(caller);
    const { tokens } = await redeemed(approved);
    await qr.world.sessions.logoutByRefreshToken(tokens.refreshToken);
    expect((await failureOf(qr.redeem(approved))).metadata).toEqual({ state: 'REDEEMED' });
  });

  test('waits for the call that opens the session, and opens it if that call died', async () => {
    const approved = await qr.approved(caller);
    const { create } = qr.world.store;
    qr.world.store.create = () => Promise.reject(new Error('this process dies here'));
    await expect(qr.redeem(approved)).rejects.toThrow('dies here');
    qr.world.store.create = create;
    expect(await qr.redeem(approved)).toMatchObject({ kind: 'pending', retryAfterMs: 1_000 });
    qr.world.clock.advance(OPENING_MS);
    const { session } = await redeemed(approved);
    expect((await redeemed(approved)).session.sessionId).toBe(session.sessionId);
    expect(await livingSessions()).toBe(2);
  });

  test('stores the same event of the sign-in, so that the trail has it once', async () => {
    const approved = await qr.approved(caller);
    const { sessionId } = (await redeemed(approved)).session;
    await redeemed(approved);
    const stored = qr.world.events.stored.filter(
      (event) => event.kind === 'SignedIn' && event.sessionId === sessionId,
    );
    expect(stored).toHaveLength(2);
    expect(stored[0]).toEqual(stored[1]);
  });

  test('after the session limit was reached ends the session that the user chose', async () => {
    const devicePolicy = { kind: 'limit', maxSessions: 1, atLimit: 'refuse' } as const;
    qr.world.changeUser(user, { devicePolicy });
    const approved = await qr.approved(caller);
    const refused = await qr.redeem(approved);
    expect(refused).toMatchObject({
      kind: 'session-limit',
      sessions: [{ sessionId: phone.session.sessionId }],
    });
    const outcome = await qr.redeem(approved, phone.session.sessionId);
    expect(outcome).toMatchObject({ kind: 'opened' });
    expect(await livingSessions()).toBe(1);
  });

  test('after the session limit was reached gives the same session, however long the user took to choose', async () => {
    const devicePolicy = { kind: 'limit', maxSessions: 1, atLimit: 'refuse' } as const;
    qr.world.changeUser(user, { devicePolicy });
    const approved = await qr.approved(caller);
    await qr.redeem(approved);
    await qr.world.settle(GRACE + 1);
    const choice = () => qr.redeem(approved, phone.session.sessionId);
    const opened = sessionIdOf(await choice());
    await qr.world.settle(GRACE);
    expect(sessionIdOf(await choice())).toBe(opened);
    await qr.world.settle(1);
    expect((await failureOf(choice())).metadata).toEqual({ state: 'REDEEMED' });
  });

  test('after the session limit was reached, sent twice at once, opens one session', async () => {
    const devicePolicy = { kind: 'limit', maxSessions: 1, atLimit: 'refuse' } as const;
    qr.world.changeUser(user, { devicePolicy });
    const approved = await qr.approved(caller);
    await qr.redeem(approved);
    const choice = () => qr.redeem(approved, phone.session.sessionId);
    const [one, other] = await Promise.all([choice(), choice()]);
    expect(one).toMatchObject({ kind: 'opened' });
    expect(other).toMatchObject({ kind: 'opened', session: { sessionId: sessionIdOf(one) } });
    expect(await livingSessions()).toBe(1);
  });
});

test('50 redemptions, approvals, wrong digits, scans and polls at once leave one session or none', async () => {
  for (let round = 0; round < 10; round += 1) {
    const caller = callerOf(await qr.world.open(qr.world.addUser()));
    const created = await qr.tickets.create(ASKER);
    const { ticketId } = created.ticket;
    const before = events().filter((kind) => kind === 'SignedIn').length;
    const { digits } = (await qr.tickets.scan(ticketId, caller, '')).ticket;
    const opened = new Set<string>();
    const poll = async () => {
      const outcome = await qr.redeem(created);
      if (outcome.kind === 'opened') opened.add(outcome.session.sessionId);
    };
    const works = Array.from({ length: 50 }, (_, index) => [
      qr.tickets.scan(ticketId, { ...caller, sessionId: `${index}` }, ''),
      qr.tickets.approve(ticketId, caller, digits, ''),
      // In half of the rounds nobody mistypes.
      round % 2 === 0 ? qr.tickets.approve(ticketId, caller, 'no', '') : undefined,
      poll(),
    ]);
    await Promise.allSettled(works.flat());
    await Promise.allSettled(Array.from({ length: 50 }, poll));
    const made = events().filter((kind) => kind === 'SignedIn').length - before;
    expect(opened.size).toBe(made);
    expect(made).toBeLessThanOrEqual(1);
    if (round % 2 === 1) expect(made).toBe(1);
  }
});
