import { beforeEach, expect, test } from '@jest/globals';
import { RepeatedEvents } from '../../src/core/audit/repeated-events.ts';
import type { SecurityEvent } from '../../src/core/audit/security-event.ts';
import { outcomeOf } from '../support/failing.ts';
import { auditId, MemoryAuditOutbox, MemoryAuditTrail } from '../support/memory-audit.ts';
import { ids } from '../support/sessions.ts';

const T0 = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

let outbox: MemoryAuditOutbox;
let repeated: RepeatedEvents;

beforeEach(() => {
  outbox = new MemoryAuditOutbox();
  repeated = new RepeatedEvents({ outbox, ids });
});

function failed(
  at: number,
  given: { userId?: string; ipAddress?: string; reason?: string; clientId?: string } = {},
): SecurityEvent {
  const { userId, ipAddress = '192.0.2.1', reason = 'INVALID_CREDENTIALS', clientId = 'web' } = given;
  const origin = { ipAddress, clientId };
  return { kind: 'SignInFailed', at, actor: { kind: 'credentials' }, reason, userId, origin };
}

/** The rows that the trail has after everything was moved. */
async function rows() {
  const trail = new MemoryAuditTrail();
  await trail.insert(outbox.entries.map(({ event }) => event));
  return [...trail.events.values()];
}

test('like failures of a minute become one row with a count, also over several flushes', async () => {
  for (let n = 0; n < 100; n += 1) repeated.count(failed(T0 + n));
  await repeated.flush(T0 + 5_000);
  for (let n = 0; n < 20; n += 1) repeated.count(failed(T0 + 30_000));
  await repeated.flush(T0 + 35_000);
  await repeated.flush(T0 + 40_000);
  expect(outbox.entries).toHaveLength(2);
  expect(await rows()).toMatchObject([{ count: 120, at: T0, lastAt: T0 + 30_000 }]);
});

test('failures of another user, address, reason or minute are rows of their own', async () => {
  repeated.count(failed(T0));
  repeated.count(failed(T0, { userId: auditId(1) }));
  repeated.count(failed(T0, { ipAddress: '192.0.2.2' }));
  repeated.count(failed(T0, { reason: 'TOO_MANY_ATTEMPTS' }));
  repeated.count(failed(T0 + MINUTE));
  repeated.count(failed(T0 + MINUTE));
  await repeated.flush(T0 + MINUTE);
  expect((await rows()).map(({ count }) => count)).toEqual([1, 1, 1, 1, 2]);
});

test('failures of the service itself are no events of a person, and other kinds are not counted here', async () => {
  const actor = { kind: 'service' } as const;
  for (const reason of ['STORE_UNAVAILABLE', 'DRAINING', 'CANCELLED', 'INTERNAL', 'INVALID_FIELD']) {
    repeated.count(failed(T0, { reason }));
  }
  repeated.count({ kind: 'SessionEnded', at: T0, actor, userId: 'u', sessionId: 's', reason: 'IDLE' });
  repeated.count({
    ...{ kind: 'Refreshed', at: T0, actor, userId: 'u', sessionId: 's' },
    origin: { ipAddress: '', clientId: '' },
  });
  await repeated.flush(T0);
  expect(outbox.entries).toEqual([]);
});

test('what cannot be stored stays, and is stored by the next flush', async () => {
  repeated.count(failed(T0));
  outbox.isAway = true;
  expect(await outcomeOf(repeated.flush(T0 + 2 * MINUTE))).toBe('STORE_UNAVAILABLE');
  repeated.count(failed(T0 + 1));
  outbox.isAway = false;
  await repeated.flush(T0 + 2 * MINUTE);
  expect(await rows()).toMatchObject([{ count: 2 }]);
});

test('a failure that comes during a flush is in the next one', async () => {
  repeated.count(failed(T0));
  const flushing = repeated.flush(T0 + 2 * MINUTE);
  repeated.count(failed(T0 + 1));
  await flushing;
  await repeated.flush(T0 + 2 * MINUTE);
  expect(await rows()).toMatchObject([{ count: 2 }]);
});

const addressOf = (n: number) => `10.0.${n >> 8}.${n & 255}`;

test('failures of very many users take bounded memory, and all of them are counted', async () => {
  for (let n = 0; n < 5_000; n += 1) {
    repeated.count(failed(T0, { ipAddress: addressOf(n), userId: auditId(n) }));
  }
  await repeated.flush(T0);
  const stored = await rows();
  expect(stored).toHaveLength(2_001);
  expect(stored.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  expect(stored.find(({ count }) => count > 1)).toMatchObject({ userId: '', ipAddress: '', count: 3_000 });
  expect(outbox.appends.every((length) => length <= 100)).toBe(true);
});

test('failures of one user from very many addresses keep the user', async () => {
  for (let n = 0; n < 5_000; n += 1) {
    repeated.count(failed(T0, { ipAddress: addressOf(n), userId: auditId(1) }));
  }
  await repeated.flush(T0);
  const stored = await rows();
  expect(stored.every(({ userId }) => userId === auditId(1))).toBe(true);
  expect(stored.find(({ count }) => count > 1)).toMatchObject({ ipAddress: '', count: 4_000 });
});

test('a flood of failures without a user makes few rows, and hides no failure of a user', async () => {
  for (let n = 0; n < 5_000; n += 1) repeated.count(failed(T0, { ipAddress: addressOf(n) }));
  for (let n = 0; n < 20; n += 1) repeated.count(failed(T0, { userId: auditId(1) }));
  await repeated.flush(T0);
  const stored = await rows();
  expect(stored).toHaveLength(202);
  expect(stored).toContainEqual(
    expect.objectContaining({ userId: auditId(1), ipAddress: '192.0.2.1', count: 20 }),
  );
});

test('failures with ever other client ids are one row', async () => {
  for (let n = 0; n < 1_000; n += 1) repeated.count(failed(T0, { clientId: `app-${n}` }));
  await repeated.flush(T0);
  expect(await rows()).toMatchObject([{ count: 1_000, clientId: 'app-0' }]);
});

test('moves of a session, new devices and notes of risk rules are counted, each with its own details', async () => {
  const origin = { ipAddress: '192.0.2.1', clientId: 'web' };
  const session = { userId: auditId(1), sessionId: auditId(2), origin };
  const actor = { kind: 'service' } as const;
  for (const from of ['192.0.2.8', '192.0.2.9', '192.0.2.8']) {
    repeated.count({ kind: 'SessionMoved', at: T0, actor, ...session, from });
  }
  repeated.count({ kind: 'NewDevice', at: T0, actor, ...session });
  const found = { signals: 'new-network', action: 'note', mode: 'enforce' };
  repeated.count({ kind: 'RiskAssessed', at: T0, actor, ...session, ...found });
  repeated.count({ kind: 'RiskAssessed', at: T0, actor, ...session, ...found, mode: 'shadow' });
  await repeated.flush(T0);
  expect((await rows()).map(({ kind, count, details }) => [kind, count, ...Object.values(details)])).toEqual([
    ['SessionMoved', 2, '192.0.2.8'],
    ['SessionMoved', 1, '192.0.2.9'],
    ['NewDevice', 1],
    ['RiskAssessed', 1, 'new-network', 'note', 'enforce'],
    ['RiskAssessed', 1, 'new-network', 'note', 'shadow'],
  ]);
});

test('the risk of a refused sign-in is not counted: it is stored before the answer', async () => {
  const found = { signals: 'new-device', action: 'end-session', mode: 'enforce' };
  const origin = { ipAddress: '192.0.2.1', clientId: 'web' };
  const actor = { kind: 'service' } as const;
  repeated.count({
    kind: 'RiskAssessed',
    at: T0,
    actor,
    userId: 'u',
    sessionId: undefined,
    origin,
    ...found,
  });
  await repeated.flush(T0);
  expect(outbox.entries).toEqual([]);
});
