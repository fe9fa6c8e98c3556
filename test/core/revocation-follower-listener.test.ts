import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Confirmation, FollowerListener } from '../../src/core/revocation/follower-listener.ts';
import { RevocationFollower } from '../../src/core/revocation/revocation-follower.ts';
import type { LoggedRevocation } from '../../src/core/revocation/revocation-log.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { eventually } from '../support/eventually.ts';
import { FragileLog } from '../support/fragile-log.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatch } from '../support/recording-watch.ts';
import { aRevocation } from '../support/revocations.ts';
import { HOUR } from '../support/sessions.ts';

/** Passes on all calls and records them. */
class RecordingListener implements FollowerListener {
  learnedEntries: LoggedRevocation[] = [];
  latest: Confirmation | undefined;
  faults = 0;
  rewinds = 0;
  readonly #next: FollowerListener;

  constructor(next: FollowerListener) {
    this.#next = next;
  }

  learned(entries: readonly LoggedRevocation[]): void {
    this.learnedEntries.push(...entries);
    this.#next.learned(entries);
  }

  confirmed(confirmation: Confirmation): void {
    this.latest = confirmation;
    this.#next.confirmed(confirmation);
  }

  readFailed(): void {
    this.faults += 1;
    this.#next.readFailed();
  }

  restarted(coveredSince: number): void {
    this.rewinds += 1;
    this.#next.restarted(coveredSince);
  }
}

describe('a listener of the follower', () => {
  let clock: ManualClock;
  let log: FragileLog;
  let subscriptions: RevocationSubscriptions;
  let listener: RecordingListener;
  let follower: RevocationFollower;
  let reinstated: Revocation[];
  let isReinstating: Promise<void>;
  let watches: RecordingWatch[];

  beforeEach(() => {
    clock = new ManualClock();
    log = new FragileLog();
    subscriptions = new RevocationSubscriptions(clock);
    listener = new RecordingListener(subscriptions);
    reinstated = [];
    isReinstating = Promise.resolve();
    watches = [];
    follower = new RevocationFollower({
      log,
      clock,
      waitMs: 5,
      tokenLifeMs: HOUR,
      reinstate: async (revocation) => {
        await isReinstating;
        reinstated.push(revocation);
        await log.append(revocation, clock.now());
      },
      observer: { readFailed: () => {}, recovered: () => {}, entriesLost: () => {} },
      listener,
    });
  });

  afterEach(async () => {
    for (const watch of watches) watch.close();
    await follower.close();
  });

  const end = async () => {
    const revocation = aRevocation(clock.now());
    await log.append(revocation, clock.now());
    return revocation;
  };
  const watching = () => {
    const watch = new RecordingWatch(subscriptions);
    watches.push(watch);
    return watch;
  };
  const idsOf = (entries: readonly LoggedRevocation[]) =>
    entries.map(({ revocation }) => (revocation.kind === 'session' ? revocation.sessionId : ''));
  const toldOf = ({ messages }: RecordingWatch) => messages.flatMap(({ page }) => idsOf(page?.entries ?? []));

  test('receives every entry once, page by page, with the expiry that this server uses', async () => {
    const revocations = [];
    for (let count = 0; count < 2_100; count += 1) revocations.push(await end());
    const early = { ...aRevocation(clock.now()), expiresAt: clock.now() + 1 };
    await log.append(early, clock.now());
    await follower.start();
    await eventually(() => listener.latest !== undefined);
    expect(idsOf(listener.learnedEntries)).toEqual([...revocations, early].map(({ sessionId }) => sessionId));
    expect(listener.learnedEntries.at(-1)?.revocation.expiresAt).toBe(early.endedAt + HOUR);
  });

  test('receives an entry once, although several failed rounds read it', async () => {
    await follower.start();
    log.isHalfFaulty = true;
    const revocations = [await end()];
    await eventually(() => listener.faults > 0);
    revocations.push(await end());
    const { faults } = listener;
    await eventually(() => listener.faults > faults);
    log.isHalfFaulty = false;
    const { latest } = listener;
    await eventually(() => listener.latest !== latest);
    expect(idsOf(listener.learnedEntries)).toEqual(revocations.map(({ sessionId }) => sessionId));
    expect(listener.rewinds).toBe(0);
  });

  test('is notified that the log lost the entries of a failed round, and they are put back', async () => {
    await end();
    await follower.start();
    await eventually(() => listener.latest !== undefined);
    log.isHalfFaulty = true;
    const [kept] = await log.read(undefined, 0);
    const lost = await end();
    await eventually(() => idsOf(listener.learnedEntries).includes(lost.sessionId));
    // The next entry gets the place, and so the revision, of the lost one.
    await log.fail();
    if (kept !== undefined) await log.restore(kept, clock.now());
    const later = await end();
    log.isHalfFaulty = false;
    await eventually(() => reinstated.length > 0);
    expect(reinstated).toEqual([lost]);
    const watch = watching();
    await eventually(() => watch.last.freshness !== undefined && toldOf(watch).length >= 3);
    expect(toldOf(watch)).toEqual([
      ...(kept === undefined ? [] : idsOf([kept])),
      later.sessionId,
      lost.sessionId,
    ]);
  });

  test('is not notified as current before the lost entries are back', async () => {
    const [first, second] = [await end(), await end()];
    await follower.start();
    await eventually(() => listener.latest !== undefined);
    const before = watching();
    const release = Promise.withResolvers<void>();
    isReinstating = release.promise;
    await log.fail();
    await eventually(() => listener.rewinds > 0);
    const during = watching();
    clock.advance(1_000);
    release.resolve();
    await eventually(() => follower.asOf === clock.now());
    await eventually(() => during.messages.some(({ freshness }) => freshness !== undefined));
    const current = during.messages.findIndex(({ freshness }) => freshness !== undefined);
    const received = during.messages.slice(0, current + 1).flatMap(({ page }) => idsOf(page?.entries ?? []));
    expect(received.sort()).toEqual([first.sessionId, second.sessionId].sort());
    expect(before.messages.filter(({ start }) => start !== undefined)).toHaveLength(1 + listener.rewinds);
  });
});
