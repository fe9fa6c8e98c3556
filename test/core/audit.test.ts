import { describe, expect, test } from '@jest/globals';
import { KeyAdministration } from '../../src/core/administration/key-administration.ts';
import {
  type AuditedEvent,
  auditEventOf,
  endEventId,
  firstEventId,
} from '../../src/core/audit/audit-event.ts';
import { AuditMover } from '../../src/core/audit/audit-mover.ts';
import { storeIn } from '../../src/core/audit/audit-outbox.ts';
import { DirectOutbox } from '../../src/core/audit/direct-outbox.ts';
import { storeUnavailable } from '../../src/core/failure.ts';
import { UUID_TEXT } from '../../src/core/ids.ts';
import { outcomeOf } from '../support/failing.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { anAuditEvent, auditId, MemoryAuditOutbox, MemoryAuditTrail } from '../support/memory-audit.ts';
import { ADMIN_ACTOR, RecordedEvents } from '../support/security-events.ts';
import { SessionWorld } from '../support/session-world.ts';
import { ids } from '../support/sessions.ts';
import { UncertainLog } from '../support/uncertain-log.ts';

const T0 = Date.UTC(2026, 0, 1);
const unavailable = () => storeUnavailable('audit', new Error('cut'));
const origin = { ipAddress: '192.0.2.1', clientId: 'web' };

describe('an audit event', () => {
  test('has everything that the security event says', () => {
    const [userId, sessionId] = [auditId(1), auditId(2)];
    const ended: AuditedEvent = {
      ...{ kind: 'SessionEnded', at: T0, actor: ADMIN_ACTOR, userId, sessionId, reason: 'ENDED_BY_ADMIN' },
    };
    expect(auditEventOf(ended, auditId(3))).toEqual({
      ...{ eventId: auditId(3), at: T0, lastAt: T0, count: 1, kind: 'SessionEnded', actor: ADMIN_ACTOR },
      ...{ userId, sessionId, ipAddress: '', clientId: '', reason: 'ENDED_BY_ADMIN', details: {} },
    });
    const failed: AuditedEvent = {
      ...{ kind: 'SignInFailed', at: T0, actor: { kind: 'credentials' } },
      ...{ reason: 'INVALID_CREDENTIALS', userId: undefined, origin },
    };
    expect(auditEventOf(failed, auditId(3))).toMatchObject({ userId: '', sessionId: '', ...origin });
    const changed: AuditedEvent = {
      ...{ kind: 'UserChanged', at: T0, actor: { kind: 'operator' }, userId, change: 'DELETED' },
    };
    expect(auditEventOf(changed, auditId(3))).toMatchObject({ details: { change: 'DELETED' }, reason: '' });
  });

  test('of an end has an id that only the session and the time decide, and that starts with the time', () => {
    const id = endEventId(auditId(1), T0);
    expect(id).toMatch(UUID_TEXT);
    expect(id).toMatch(/^.{14}7.{4}[89ab]/);
    expect(endEventId(auditId(1), T0)).toBe(id);
    expect(endEventId(auditId(2), T0)).not.toBe(id);
    expect(id > firstEventId(T0) && id < firstEventId(T0 + 1)).toBe(true);
    expect(ids.next(T0) >= firstEventId(T0) && ids.next(T0) < firstEventId(T0 + 1)).toBe(true);
  });
});

describe('a sign-in', () => {
  test('that cannot be stored is not acknowledged, and its session has ended', async () => {
    const world = await SessionWorld.open();
    const user = world.addUser();
    world.events.failure = unavailable();
    expect(await outcomeOf(world.open(user))).toBe('STORE_UNAVAILABLE');
    expect(world.events.all).toEqual([]);
    world.events.failure = undefined;
    const { session, replaced } = await world.open(user);
    // The session that was discarded: its end was not stored, so this sign-in completes it.
    expect(replaced).toMatchObject([{ reason: 'REPLACED' }]);
    expect(world.events.stored).toMatchObject([
      { kind: 'SignedIn', sessionId: session.sessionId },
      { kind: 'SessionEnded', sessionId: replaced[0]?.sessionId, reason: 'REPLACED' },
    ]);
    await world.close();
  });

  test('is UNAVAILABLE for right and wrong passwords while the outbox takes none', async () => {
    const world = await SessionWorld.open();
    const user = world.addUser();
    world.checkRoom = async () => {
      throw unavailable();
    };
    expect(await outcomeOf(world.opener.checkStore(user.userId))).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(world.opener.refuse(user.userId))).toBe('STORE_UNAVAILABLE');
    await world.close();
  });
});

describe('an end', () => {
  test('that cannot be stored is not acknowledged; a repeat stores the same event once', async () => {
    const outbox = new MemoryAuditOutbox();
    const world = await SessionWorld.open();
    world.events.store = storeIn(outbox, ids);
    const { session } = await world.open(world.addUser());
    const end = () => world.ender.end(session.userId, session.sessionId, 'LOGGED_OUT', ADMIN_ACTOR);
    outbox.isAway = true;
    expect(await outcomeOf(end())).toBe('STORE_UNAVAILABLE');
    outbox.isAway = false;
    world.clock.advance(1_000);
    await end();
    await end();
    const ended = outbox.entries.filter(({ event }) => event.kind === 'SessionEnded');
    expect(ended).toHaveLength(1);
    expect(world.events.of('SessionEnded')).toHaveLength(1);
    await world.close();
  });

  test('whose log entry failed has the same event when it is repeated', async () => {
    const outbox = new MemoryAuditOutbox();
    const log = new UncertainLog(86_400_000);
    const world = await SessionWorld.open({ log });
    world.events.store = storeIn(outbox, ids);
    const { session } = await world.open(world.addUser());
    const end = () => world.ender.end(session.userId, session.sessionId, 'LOGGED_OUT', ADMIN_ACTOR);
    log.broken = true;
    expect(await outcomeOf(end())).toBe('STORE_UNAVAILABLE');
    log.broken = false;
    world.clock.advance(1_000);
    await end();
    const ended = outbox.entries.filter(({ event }) => event.kind === 'SessionEnded');
    expect(new Set(ended.map(({ event }) => event.eventId)).size).toBe(1);
    await world.close();
  });

  test('of all sessions of a user is stored before it is acknowledged', async () => {
    const world = await SessionWorld.open();
    const { userId } = world.addUser();
    world.events.failure = unavailable();
    const endUser = () => world.ender.endUser(userId, 2, 'USER_DISABLED', ADMIN_ACTOR);
    expect(await outcomeOf(endUser())).toBe('STORE_UNAVAILABLE');
    world.events.failure = undefined;
    await endUser();
    expect(world.events.stored).toMatchObject([{ kind: 'SessionEnded', sessionId: undefined }]);
    await world.close();
  });
});

test('a rotation of the signing key is acknowledged only when its event is stored', async () => {
  const events = new RecordedEvents();
  const keys = {
    list: () => [],
    reload: async () => undefined,
    rotate: async () => ({ keyId: 'k' }) as never,
  };
  const administration = new KeyAdministration({ keys, events, clock: new ManualClock() });
  events.failure = unavailable();
  expect(await outcomeOf(administration.rotate(ADMIN_ACTOR))).toBe('STORE_UNAVAILABLE');
  events.failure = undefined;
  await administration.rotate(ADMIN_ACTOR);
  expect(events.stored).toMatchObject([{ kind: 'SigningKeyRotated', keyId: 'k', actor: ADMIN_ACTOR }]);
});

test('a refresh by another client is published as refused, and the session goes on', async () => {
  const world = await SessionWorld.open();
  const { session, tokens } = await world.open(world.addUser());
  expect(await outcomeOf(world.refresh(tokens.refreshToken, 'app'))).toBe('INVALID_REFRESH_TOKEN');
  expect(world.events.of('RefreshRefused')).toMatchObject([
    { sessionId: session.sessionId, reason: 'INVALID_REFRESH_TOKEN', origin: { clientId: 'app' } },
  ]);
  await world.close();
});

describe('the mover', () => {
  const setUp = () => {
    const [outbox, trail] = [new MemoryAuditOutbox(), new MemoryAuditTrail()];
    return { outbox, trail, mover: new AuditMover({ outbox, trail }) };
  };

  test('moves all events in batches, and knows how many wait', async () => {
    const { outbox, trail, mover } = setUp();
    for (let n = 0; n < 450; n += 1) await outbox.appendConfirmed(anAuditEvent(n));
    await Promise.all([mover.move(), mover.move()]);
    expect(trail.inserts).toEqual([200, 200, 50]);
    expect([outbox.entries.length, mover.backlog, trail.events.size]).toEqual([0, 0, 450]);
  });

  test('leaves the events in the outbox while the trail is away', async () => {
    const { outbox, trail, mover } = setUp();
    await outbox.appendConfirmed(anAuditEvent(1));
    trail.isAway = true;
    expect(await outcomeOf(mover.move())).toBe('STORE_UNAVAILABLE');
    expect([outbox.entries.length, mover.backlog]).toEqual([1, 1]);
    trail.isAway = false;
    await mover.move();
    expect([outbox.entries.length, mover.backlog, trail.events.size]).toEqual([0, 0, 1]);
  });

  test('that died after the insert moves the event again, and it is there once', async () => {
    const { outbox, trail, mover } = setUp();
    await outbox.appendConfirmed(anAuditEvent(1));
    outbox.remove = async () => {
      throw unavailable();
    };
    expect(await outcomeOf(mover.move())).toBe('STORE_UNAVAILABLE');
    expect(await outcomeOf(new AuditMover({ outbox, trail }).move())).toBe('STORE_UNAVAILABLE');
    expect([trail.inserts, trail.events.size]).toEqual([[1, 1], 1]);
  });

  test('finishes the batch under way when it is closed, and moves nothing after that', async () => {
    const { outbox, trail, mover } = setUp();
    for (let n = 0; n < 450; n += 1) await outbox.appendConfirmed(anAuditEvent(n));
    const moving = mover.move();
    await mover.close();
    await Promise.all([moving, mover.move()]);
    expect([trail.inserts, outbox.entries.length]).toEqual([[200], 250]);
  });

  test('deletes old events in small batches, and only so many in one run', async () => {
    const { trail, mover } = setUp();
    const deleted: number[] = [];
    trail.deleteBefore = async (_at, limit) => {
      deleted.push(limit);
      return deleted.length === 3 ? 1 : limit;
    };
    await mover.deleteBefore(T0);
    expect(deleted).toEqual([500, 500, 500]);
    trail.deleteBefore = async (_at, limit) => {
      deleted.push(limit);
      return limit;
    };
    await mover.deleteBefore(T0);
    expect(deleted).toHaveLength(3 + 20);
  });
});

describe('the outbox of a service without Redis', () => {
  test('has each event in the trail before it is acknowledged; appends that come together share an insert', async () => {
    const trail = new MemoryAuditTrail();
    const outbox = new DirectOutbox(trail);
    await Promise.all([1, 2, 3, 4].map((n) => outbox.appendConfirmed(anAuditEvent(n))));
    expect([trail.events.size, trail.inserts]).toEqual([4, [1, 3]]);
    await outbox.appendIfRoom([anAuditEvent(5)]);
    expect(trail.events.size).toBe(5);
    expect(await outbox.read()).toEqual({ entries: [], backlog: 0 });
  });

  test('acknowledges nothing while the trail is away, and works again when it is back', async () => {
    const trail = new MemoryAuditTrail();
    const outbox = new DirectOutbox(trail);
    trail.isAway = true;
    const outcomes = [1, 2].map((n) => outcomeOf(outbox.appendConfirmed(anAuditEvent(n))));
    expect(await Promise.all(outcomes)).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    expect(await outcomeOf(outbox.checkRoom())).toBe('STORE_UNAVAILABLE');
    trail.isAway = false;
    await outbox.appendConfirmed(anAuditEvent(3));
    expect(trail.events.size).toBe(1);
  });
});
