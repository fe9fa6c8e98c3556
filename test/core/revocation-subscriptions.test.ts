import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatch } from '../support/recording-watch.ts';
import { RevocationSequence } from '../support/revocations.ts';
import { HOUR } from '../support/sessions.ts';

const GENESIS = 1_000;

let clock: ManualClock;
let subscriptions: RevocationSubscriptions;
let revocations: RevocationSequence;
let watches: RecordingWatch[];

beforeEach(() => {
  jest.useFakeTimers();
  clock = new ManualClock();
  subscriptions = new RevocationSubscriptions(clock);
  revocations = new RevocationSequence();
  watches = [];
});

afterEach(() => {
  for (const watch of watches) watch.close();
  // A pass over the subscribers may be half done; it finds none.
  jest.runOnlyPendingTimers();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const watching = (options: ConstructorParameters<typeof RecordingWatch>[1] = {}) => {
  const watch = new RecordingWatch(subscriptions, options);
  watches.push(watch);
  return watch;
};
const confirm = (coveredSince = GENESIS) =>
  subscriptions.confirmed({
    coveredSince,
    asOf: clock.now(),
    asOfMonotonic: clock.monotonic(),
    forgetUntil: clock.now(),
  });
const learn = (count: number) => {
  const entries = revocations.next(count, clock.now());
  subscriptions.learned(entries);
  return entries.map(({ revision }) => revision);
};
/** Lets time pass in steps small enough for all interval checks. */
const pass = (ms: number, meanwhile: () => void = () => {}) => {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    meanwhile();
    jest.advanceTimersByTime(10);
  }
};
const sizes = ({ messages }: RecordingWatch) => messages.map(({ page }) => page?.entries.length ?? 0);

describe('a subscriber', () => {
  test('is refused until the log was read to its end', () => {
    learn(1);
    expect(() => watching()).toThrow(expect.objectContaining({ reason: 'STORE_UNAVAILABLE' }));
  });

  test('receives all entries, a thousand at a time, and is current with the last page', () => {
    const revisions = learn(2_500);
    confirm();
    const watch = watching();
    expect(watch.revisions).toEqual(revisions);
    expect(sizes(watch)).toEqual([1_000, 1_000, 500]);
    expect(watch.messages.map(({ start }) => start?.resumed)).toEqual([false, undefined, undefined]);
    expect(watch.messages.map(({ freshness }) => freshness !== undefined)).toEqual([false, false, true]);
    expect(watch.last.freshness).toMatchObject({ asOf: clock.now(), revision: revisions.at(-1) });
    expect(watch.messages.map(({ revision }) => revision)).toEqual(['1-1000', '1-2000', '1-2500']);
  });

  test('receives the genesis of an empty log, and is current', () => {
    confirm();
    clock.advance(7);
    expect(watching().messages).toEqual([
      {
        start: { openedAt: 7, resumed: false, coveredSince: GENESIS },
        page: undefined,
        revision: undefined,
        freshness: expect.objectContaining({ asOfMonotonic: 0, revision: undefined }),
      },
    ]);
  });

  test('receives new entries when the follower confirms them, and not before', () => {
    confirm();
    const watch = watching();
    const revisions = learn(2);
    expect(watch.messages).toHaveLength(1);
    clock.advance(3);
    confirm();
    expect(watch.revisions).toEqual(revisions);
    expect(watch.last.freshness).toMatchObject({ asOfMonotonic: 3, revision: '1-2' });
  });

  test('receives new entries of a failed round too, but without freshness', () => {
    confirm();
    const watch = watching();
    const revisions = learn(1);
    subscriptions.readFailed();
    expect(watch.revisions).toEqual(revisions);
    expect(watch.last.freshness).toBeUndefined();
    confirm();
    expect(watch.last.freshness).toMatchObject({ revision: '1-1' });
  });

  test('that received an entry before the end of the round gets the freshness at its end', () => {
    confirm();
    const watch = watching();
    learn(1);
    pass(1_000);
    expect(watch.last).toMatchObject({ revision: '1-1', freshness: { revision: undefined } });
    confirm();
    expect(watch.last).toMatchObject({ page: undefined, revision: '1-1', freshness: { revision: '1-1' } });
  });

  test('gets the freshness of the last confirmation, although it has newer entries', () => {
    learn(1);
    confirm();
    learn(1);
    clock.advance(5);
    expect(watching().last).toMatchObject({
      revision: '1-2',
      freshness: { revision: '1-1', asOfMonotonic: 0 },
    });
  });

  test('gets a heartbeat at the requested interval, with the latest freshness', () => {
    confirm();
    const watch = watching({ heartbeatMs: 500 });
    const sentTo: number[] = [];
    const messagesBefore = watch.messages.length;
    pass(5_000, () => {
      if (clock.monotonic() % 250 === 0) confirm();
      if (watch.messages.length > messagesBefore + sentTo.length) sentTo.push(clock.monotonic());
    });
    const gaps = sentTo.map((at, index) => at - (sentTo[index - 1] ?? 0));
    expect(gaps.every((gap) => gap <= 510 && gap >= 400)).toBe(true);
    expect(sentTo.length).toBeGreaterThanOrEqual(9);
    expect(watch.last.freshness?.asOfMonotonic).toBeGreaterThanOrEqual(clock.monotonic() - 750);
    expect(watch.revisions).toEqual([]);
  });

  test('gets heartbeats without freshness while freshness is unknown', () => {
    confirm();
    const watch = watching();
    subscriptions.readFailed();
    pass(3_000);
    expect(watch.messages.length).toBeGreaterThanOrEqual(4);
    expect(watch.messages.slice(1).every(({ freshness }) => freshness === undefined)).toBe(true);
  });

  test('is removed once it is closed', () => {
    confirm();
    const watch = watching();
    expect(subscriptions.size).toBe(1);
    watch.close();
    expect(subscriptions.size).toBe(0);
    learn(1);
    confirm();
    expect(watch.revisions).toEqual([]);
  });
});

describe('a subscriber that does not take its messages', () => {
  test('gets no further message, and then everything it missed in pages', () => {
    confirm();
    const watch = watching();
    watch.hold();
    for (let count = 0; count < 3_000; count += 1) {
      learn(1);
      confirm();
    }
    expect(watch.messages).toHaveLength(2);
    watch.release();
    expect(sizes(watch)).toEqual([0, 1, 999, 1_000, 1_000]);
    expect(watch.revisions).toEqual(Array.from({ length: 3_000 }, (_, index) => `1-${index + 1}`));
  });

  test('is closed after ten seconds', () => {
    confirm();
    const watch = watching({ holds: true });
    pass(9_900);
    expect(watch.failure).toBeUndefined();
    pass(200);
    expect(watch.failure).toMatchObject({ reason: 'WATCH_TOO_SLOW' });
    expect(subscriptions.size).toBe(0);
    watch.release();
    expect(watch.messages).toHaveLength(1);
  });

  test('is not closed while it reads slowly', () => {
    learn(3_000);
    confirm();
    const watch = watching({ holds: true });
    for (let count = 0; count < 4; count += 1) {
      pass(9_000);
      watch.release();
      watch.hold();
    }
    expect(watch.failure).toBeUndefined();
    expect(watch.revisions).toHaveLength(3_000);
  });

  test('continues with the remaining entries if entries it did not get have expired', () => {
    confirm();
    const watch = watching();
    watch.hold();
    const soonExpired = clock.now() - HOUR + 5_000;
    subscriptions.learned(revocations.next(1, soonExpired));
    confirm();
    subscriptions.learned(revocations.next(5, soonExpired));
    const living = learn(5);
    clock.advance(5_000);
    confirm();
    watch.release();
    expect(watch.revisions).toEqual(['1-1', ...living]);
  });
});

describe('resuming after a revision', () => {
  const goingOnAfter = (revision: string, coveredSince = GENESIS) =>
    watching({ after: { revision, coveredSince } });

  test('sends the entries after it', () => {
    learn(3);
    confirm();
    const watch = goingOnAfter('1-2');
    expect(watch.revisions).toEqual(['1-3']);
    expect(watch.messages[0]?.start?.resumed).toBe(true);
    expect(goingOnAfter('1-3').messages).toEqual([
      expect.objectContaining({ page: undefined, revision: '1-3', freshness: expect.anything() }),
    ]);
  });

  test('sends all remaining entries if the entry has expired', () => {
    learn(2);
    clock.advance(HOUR);
    learn(2);
    confirm();
    for (const revision of ['1-1', '1-2', '0-7']) {
      expect(goingOnAfter(revision)).toMatchObject({ revisions: ['1-3', '1-4'] });
      expect(watches.at(-1)?.messages[0]?.start?.resumed).toBe(true);
    }
  });

  test('sends nothing if the entry was the last, and all have expired', () => {
    learn(2);
    clock.advance(HOUR);
    confirm();
    expect(goingOnAfter('1-2').last).toMatchObject({
      start: { resumed: true },
      page: undefined,
      revision: '1-2',
    });
  });

  test.each([
    ['of another log', '1-2', GENESIS + 1],
    ['beyond the end', '1-4', GENESIS],
    ['that is not in the log', '1-2', GENESIS, '1-1'],
  ])('sends everything after a revision %s', (_what, revision, coveredSince, ...lost) => {
    const entries = revocations.next(3, clock.now());
    const isLost = (entry: string) => lost.length > 0 && entry === revision;
    subscriptions.learned(entries.filter((entry) => !isLost(entry.revision)));
    confirm();
    const watch = goingOnAfter(revision, coveredSince);
    expect(watch.messages[0]?.start?.resumed).toBe(false);
    expect(watch.revisions[0]).toBe('1-1');
    expect(watch.revisions.at(-1)).toBe('1-3');
  });

  test('sends everything if the log is empty and the entry is unknown', () => {
    confirm();
    expect(goingOnAfter('1-4').messages[0]?.start?.resumed).toBe(false);
  });
});

describe('a log that has lost entries', () => {
  test('is sent again from its beginning to all subscribers, and none is current before its end', () => {
    learn(3);
    confirm();
    const taking = watching();
    const holding = watching();
    holding.hold();
    learn(1);
    confirm();
    subscriptions.restarted(GENESIS);
    expect(taking.last).toMatchObject({ start: { resumed: false }, freshness: undefined });
    const reread = revocations.next(2, clock.now());
    subscriptions.learned(reread);
    pass(2_000);
    expect(taking.last.freshness).toBeUndefined();
    holding.release();
    confirm();
    for (const watch of [taking, holding]) {
      expect(watch.revisions.slice(4)).toEqual(reread.map(({ revision }) => revision));
      expect(watch.messages.filter(({ start }) => start !== undefined)).toHaveLength(2);
      expect(watch.last).toMatchObject({ revision: '1-6', freshness: { revision: '1-6' } });
    }
  });

  test('and was replaced sends its new genesis', () => {
    confirm();
    const watch = watching();
    subscriptions.restarted(2 * GENESIS);
    expect(watch.last.start).toMatchObject({ coveredSince: 2 * GENESIS, openedAt: 0 });
    confirm(2 * GENESIS);
    expect(watching({ after: { revision: '1-1', coveredSince: GENESIS } }).last.start?.resumed).toBe(false);
  });
});

describe('many subscribers', () => {
  test('are served in several turns of the event loop, so that other work can run', () => {
    confirm();
    const all = Array.from({ length: 200 }, () => watching());
    learn(1);
    confirm();
    const sentTo = () => all.filter(({ revisions }) => revisions.length > 0).length;
    expect(sentTo()).toBe(64);
    learn(1);
    confirm();
    const turns = [sentTo()];
    while (sentTo() < 200) {
      jest.advanceTimersToNextTimer();
      turns.push(sentTo());
    }
    pass(100);
    expect(turns.length).toBeGreaterThan(3);
    expect(all.every(({ revisions }) => revisions.length === 2)).toBe(true);
  });

  test('receive the same encoded entries', () => {
    confirm();
    const [one, other] = [watching(), watching()];
    learn(1_500);
    confirm();
    expect(one.revisions).toHaveLength(1_500);
    expect(one.messages.map(({ page }) => page)).toEqual(other.messages.map(({ page }) => page));
    for (const [index, { page }] of one.messages.entries()) expect(other.messages[index]?.page).toBe(page);
  });
});
