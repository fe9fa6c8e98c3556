import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { EndReason } from '../../src/core/audit/end-reason.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { ReadOutcome } from '../../src/core/session/session-store.ts';
import { SessionWatchers, type WatchLimits } from '../../src/core/session/session-watchers.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatcher } from '../support/recording-watcher.ts';
import { aSession, DAY, HOUR, MINUTE } from '../support/sessions.ts';

const LIMITS: WatchLimits = { session: 2, user: 3, server: 4 };

let clock: ManualClock;
let session: Session;
let read: jest.Mock<(userId: string, sessionId: string, now: number) => Promise<ReadOutcome>>;
let logged: string | undefined;
let watchers: SessionWatchers;
let opened: RecordingWatcher[];

beforeEach(() => {
  jest.useFakeTimers();
  clock = new ManualClock();
  session = aSession(clock.now());
  logged = undefined;
  read = jest.fn(async () => ({ kind: 'live', session }));
  setUp();
  opened = [];
});

afterEach(() => {
  for (const { watcher } of opened) watcher.close();
  expect(watchers.size).toBe(0);
  jest.runOnlyPendingTimers();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function setUp(limits?: WatchLimits): void {
  watchers = new SessionWatchers({
    ...{ store: { read }, revocations: { endReasonOf: () => logged }, clock },
    ...(limits !== undefined && { limits }),
  });
}

/** Registered, and not read yet. */
function registered(watched: Session = session): RecordingWatcher {
  const watcher = new RecordingWatcher(watchers, watched);
  opened.push(watcher);
  return watcher;
}

async function watching(watched: Session = session): Promise<RecordingWatcher> {
  const watcher = registered(watched);
  await watcher.watcher.read();
  return watcher;
}

function confirm(): void {
  const [now, asOfMonotonic] = [clock.now(), clock.monotonic()];
  watchers.confirmed({ coveredSince: 1_000, asOf: now, asOfMonotonic, forgetUntil: now });
}

function learn(...revocations: readonly Revocation[]): void {
  watchers.learned(revocations.map((revocation, index) => ({ revision: `1-${index}`, revocation })));
}

function endOf({ userId, sessionId }: Session, reason = 'ENDED_BY_USER'): Revocation {
  const times = { endedAt: clock.now(), expiresAt: clock.now() + HOUR };
  return { kind: 'session', userId, sessionId, reason, ...times };
}

function endOfAll({ userId }: Session, cutoff: number): Revocation {
  const times = { endedAt: clock.now(), expiresAt: clock.now() + HOUR };
  return { kind: 'user', userId, cutoff, reason: 'USER_DISABLED', ...times };
}

/** Lets time pass for both clocks and the timers, in steps. */
async function pass(ms: number, stepMs = 100, meanwhile: () => void = () => undefined): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    meanwhile();
    await jest.advanceTimersByTimeAsync(stepMs);
  }
}

const isHeartbeat = ({ deadlines }: { readonly deadlines: unknown }) => deadlines === undefined;

describe('a watcher', () => {
  test('gets the deadlines first, then heartbeats that say up to when the session was living', async () => {
    confirm();
    const { messages } = await watching();
    expect(messages).toMatchObject([
      { deadlines: { idleDeadline: session.idleDeadline }, asOf: clock.now() },
    ]);
    await pass(3_000, 100, confirm);
    expect(messages.slice(1)).toEqual(
      [1_000, 2_000, 3_000].map((ms) => ({ deadlines: undefined, asOf: session.createdAt + ms })),
    );
    expect(read).toHaveBeenCalledTimes(1);
  });

  test('gets the end of its session, and nothing after it', async () => {
    confirm();
    const watcher = await watching();
    learn(endOf(aSession(clock.now(), { userId: session.userId })));
    expect(watcher.end).toBeUndefined();
    learn(endOf(session));
    expect(watcher.end).toEqual({ reason: 'ENDED_BY_USER', endedAt: clock.now() });
    const count = watcher.messages.length;
    await pass(5_000);
    expect(watcher.messages).toHaveLength(count);
  });

  test('gets the end of all sessions of its user, unless it was opened later', async () => {
    const later = aSession(clock.now() + 1, { userId: session.userId });
    const [earlier, kept] = [await watching(), await watching(later)];
    learn(endOfAll(session, session.createdAt));
    expect(earlier.end).toMatchObject({ reason: 'USER_DISABLED' });
    expect(kept.end).toBeUndefined();
  });

  test('gets an end that is logged while its session is read for the first time', async () => {
    const reading = Promise.withResolvers<ReadOutcome>();
    read.mockReturnValueOnce(reading.promise);
    const watcher = registered();
    const opening = watcher.watcher.read();
    learn(endOf(session));
    reading.resolve({ kind: 'live', session });
    await opening;
    expect(watcher).toMatchObject({ messages: [], end: { reason: 'ENDED_BY_USER' } });
  });

  test.each<[string, () => ReadOutcome, { reason: EndReason; endedAt: unknown }]>([
    [
      'ended before',
      () => ({
        kind: 'ended',
        ended: { sessionId: session.sessionId, reason: 'REPLACED', endedAt: 5, revision: undefined },
      }),
      { reason: 'REPLACED', endedAt: 5 },
    ],
    ['is gone', () => ({ kind: 'missing' }), { reason: 'UNSPECIFIED', endedAt: undefined }],
  ])('whose session %s learns it at once', async (_, found, end) => {
    read.mockResolvedValue(found());
    expect(await watching()).toMatchObject({ messages: [], end });
  });

  test('whose record a failover restored learns the end that the log has', async () => {
    logged = 'LOGGED_OUT';
    expect((await watching()).end).toMatchObject({ reason: 'LOGGED_OUT' });
  });

  test('fails if its session cannot be read at the start', async () => {
    read.mockRejectedValue(new Error('no answer'));
    await expect(watching()).rejects.toThrow('no answer');
  });

  test('that takes nothing for ten seconds is closed, and nothing was queued for it', async () => {
    const watcher = await watching();
    watcher.holds = true;
    await pass(12_000);
    expect(watcher.messages).toHaveLength(2);
    expect(watcher.failure).toMatchObject({ reason: 'WATCH_TOO_SLOW' });
    expect(watchers.size).toBe(0);
  });
});

describe('a deadline', () => {
  beforeEach(() => {
    const { createdAt } = session;
    session = { ...session, idleDeadline: createdAt + MINUTE, absoluteDeadline: createdAt + 5 * MINUTE };
  });

  test('that was lowered is learned within 15 minutes, and the session ends at it', async () => {
    session = aSession(clock.now());
    const watcher = await watching();
    const deadline = clock.now() + 20 * MINUTE;
    const shortened = { ...session, idleDeadline: deadline, absoluteDeadline: deadline };
    read.mockImplementation(async (_userId, _sessionId, now) =>
      now < deadline ? { kind: 'live', session: shortened } : { kind: 'missing' },
    );
    await pass(20 * MINUTE - 1_000, 1_000);
    expect(watcher.messages.findLast(({ deadlines }) => deadlines !== undefined)).toMatchObject({
      deadlines: { absoluteDeadline: deadline },
    });
    expect(watcher.end).toBeUndefined();
    await pass(1_000);
    expect(watcher.end).toMatchObject({ reason: 'MAX_LIFETIME', endedAt: deadline });
  });

  test('that a refresh moved is sent, and is not an end', async () => {
    const watcher = await watching();
    const first = session.idleDeadline;
    session = { ...session, idleDeadline: first + 2 * MINUTE };
    await pass(2 * MINUTE);
    expect(watcher.end).toBeUndefined();
    expect(watcher.messages.filter((message) => !isHeartbeat(message))).toMatchObject([
      { deadlines: { idleDeadline: first } },
      { deadlines: { idleDeadline: first + 2 * MINUTE } },
    ]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test.each<[EndReason, number]>([
    ['IDLE', 1],
    ['MAX_LIFETIME', 5],
  ])('%s ends the watch at its instant', async (reason, minutes) => {
    const at = session.createdAt + minutes * MINUTE;
    session = { ...session, idleDeadline: at };
    const watcher = await watching();
    await pass(at - clock.now() - 100);
    expect(watcher.end).toBeUndefined();
    await pass(100);
    expect(watcher.end).toMatchObject({ reason, endedAt: at });
  });

  test('counts also if the store has dropped the record by then', async () => {
    const watcher = await watching();
    read.mockResolvedValue({ kind: 'missing' });
    await pass(MINUTE);
    expect(watcher.end).toMatchObject({ reason: 'IDLE' });
  });

  test('is no end while the store does not answer: the watch goes on without a time, and asks again', async () => {
    const watcher = await watching();
    read.mockRejectedValue(new Error('no answer'));
    await pass(MINUTE + 10_000, 100, confirm);
    expect(watcher).toMatchObject({ end: undefined, last: { asOf: undefined } });
    // One attempt a second.
    expect(read.mock.calls.length).toBeLessThan(13);
    read.mockResolvedValue({ kind: 'live', session: { ...session, idleDeadline: clock.now() + DAY } });
    await pass(2_000, 100, confirm);
    expect(watcher.last?.asOf).toBeGreaterThan(clock.now() - 2_000);
  });

  test('is noticed within a heartbeat if the wall clock is set forward', async () => {
    const watcher = await watching();
    clock.set(2 * MINUTE);
    await pass(1_000);
    expect(watcher.end).toMatchObject({ reason: 'IDLE' });
  });
});

describe('while the log', () => {
  test('cannot be read, a heartbeat does not say that the session is living', async () => {
    confirm();
    const watcher = await watching();
    watchers.readFailed();
    await pass(1_000);
    expect(watcher.last).toEqual({ deadlines: undefined, asOf: undefined });
    learn(endOf(session));
    expect(watcher.end).toBeDefined();
  });

  test('is read again after it lost entries, sessions are read again, a bounded number at a time', async () => {
    confirm();
    const sessions = Array.from({ length: 200 }, () => aSession(clock.now()));
    for (const each of sessions) await watching(each);
    read.mockClear();
    let [inProgress, most] = [0, 0];
    read.mockImplementation(async () => {
      inProgress += 1;
      most = Math.max(most, inProgress);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inProgress -= 1;
      return { kind: 'missing' };
    });
    watchers.restarted();
    expect(read).not.toHaveBeenCalled();
    confirm();
    await pass(1_000);
    expect(read).toHaveBeenCalledTimes(200);
    expect(most).toBe(64);
    expect(opened.every(({ end }) => end?.reason === 'UNSPECIFIED')).toBe(true);
  });

  test('lost entries, a heartbeat does not count what was read before', async () => {
    confirm();
    const watcher = await watching();
    const reading = Promise.withResolvers<ReadOutcome>();
    read.mockReturnValueOnce(reading.promise);
    watchers.restarted();
    confirm();
    await pass(1_000, 100, confirm);
    expect(watcher.last?.asOf).toBeUndefined();
    reading.resolve({ kind: 'live', session });
    await pass(2_000, 100, confirm);
    expect(watcher.last?.asOf).toBeGreaterThan(clock.now() - 1_000);
  });
});

describe('the limit', () => {
  test.each<[keyof WatchLimits, () => Session[]]>([
    ['session', () => [session, session]],
    ['user', () => [session, session, aSession(clock.now(), { userId: session.userId })]],
    ['server', () => [session, session, aSession(clock.now()), aSession(clock.now())]],
  ])('of a %s refuses one more, until one is closed', (limit, before) => {
    setUp(LIMITS);
    for (const each of before()) registered(each);
    const one = () => registered(limit === 'session' ? session : aSession(clock.now(), other(limit)));
    const refusal = { reason: 'TOO_MANY_WATCHES', metadata: { limit }, retryAfterMs: 10_000 };
    expect(one).toThrow(expect.objectContaining(refusal));
    opened[0]?.watcher.close();
    expect(one).not.toThrow();
  });

  const other = (limit: keyof WatchLimits) => (limit === 'user' ? { userId: session.userId } : {});
});

test('Thousands of ends are passed on in several turns of the event loop', async () => {
  const sessions = Array.from({ length: 1_000 }, () => aSession(clock.now()));
  for (const each of sessions) await watching(each);
  const ended = () => opened.filter(({ end }) => end !== undefined).length;
  learn(...sessions.map((each) => endOf(each)));
  expect(ended()).toBe(64);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(ended()).toBe(1_000);
});
