import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import { SessionEnder } from '../../src/core/session/session-ender.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ADMIN_ACTOR, NO_EVENTS, RecordedEvents } from '../support/security-events.ts';
import { aSession, atMost, DAY, ids, MINUTE } from '../support/sessions.ts';

const ACTOR = { kind: 'service' } as const;

let clock: ManualClock;
let log: MemoryRevocationLog;
let coveredSince: number;
let ender: SessionEnder;

beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryRevocationLog(DAY);
  coveredSince = clock.now() - MINUTE;
  ender = new SessionEnder({
    store: new MemorySessionStore(clock),
    log,
    clock,
    events: NO_EVENTS,
    tombstoneTtlMs: DAY,
    accessTokenLifeMs: MINUTE,
    coveredSince: () => coveredSince,
  });
});

describe('an end that is repeated', () => {
  const userId = ids.next(0);
  const sessionId = ids.next(0);
  const end = () => ender.end(userId, sessionId, 'LOGGED_OUT', ACTOR);
  const entries = async () => (await log.read(undefined, 0)).length;

  test('has one entry in the log', async () => {
    const first = await end();
    clock.advance(1);
    expect(await end()).toEqual(first);
    expect(await entries()).toBe(1);
  });

  test('gets one more entry in a log that began after it, and no further one', async () => {
    const first = await end();
    clock.advance(MINUTE);
    coveredSince = clock.now();
    clock.advance(MINUTE);
    const again = await end();
    expect(again).not.toEqual(first);
    clock.advance(MINUTE);
    expect(await end()).toEqual(again);
    expect(await entries()).toBe(2);
  });

  test('is logged again if the log lost the entry and began anew while the end was acknowledged', async () => {
    jest.spyOn(log, 'append').mockImplementationOnce(async (revocation, now) => {
      const revision = await log.append(revocation, now);
      clock.advance(1);
      coveredSince = clock.now();
      clock.advance(1);
      return revision;
    });
    const first = await end();
    const again = await end();
    expect(again).not.toEqual(first);
    expect(await end()).toEqual(again);
  });
});

test('an end that finds a passed deadline is logged, as the service’s, at the deadline', async () => {
  const events = new RecordedEvents();
  const store = new MemorySessionStore(clock);
  const options = { store, log, clock, events, tombstoneTtlMs: DAY, accessTokenLifeMs: MINUTE };
  const later = new SessionEnder({ ...options, coveredSince: () => coveredSince });
  const session = aSession(clock.now());
  const { userId, sessionId, idleDeadline } = session;
  await store.create({ session, ...atMost(5), tombstoneTtlMs: DAY, now: clock.now() });
  clock.advance(8 * DAY);
  await later.end(userId, sessionId, 'ENDED_BY_ADMIN', ADMIN_ACTOR);
  expect(events.stored).toMatchObject([{ sessionId, reason: 'IDLE', at: idleDeadline, actor: ACTOR }]);
  const logged = (await log.read(undefined, 0)).map(({ revocation }) => revocation);
  expect(logged).toMatchObject([{ sessionId, reason: 'IDLE', expiresAt: clock.now() + MINUTE }]);
});
