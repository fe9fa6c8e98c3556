import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RevocationFollower } from '../../src/core/revocation/revocation-follower.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { eventually } from '../support/eventually.ts';
import { FragileLog } from '../support/fragile-log.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { DAY, HOUR, ids } from '../support/sessions.ts';

describe('the revocation follower', () => {
  let clock: ManualClock;
  let log: FragileLog;
  let follower: RevocationFollower;
  let reinstated: Revocation[];
  let faults: unknown[];
  let recoveries: number;

  beforeEach(() => {
    clock = new ManualClock();
    log = new FragileLog();
    reinstated = [];
    faults = [];
    recoveries = 0;
    follower = new RevocationFollower({
      log,
      clock,
      waitMs: 5,
      tokenLifeMs: HOUR,
      reinstate: async (revocation) => {
        reinstated.push(revocation);
        await log.append(revocation, clock.now());
      },
      observer: {
        readFailed: (error) => faults.push(error),
        recovered: () => {
          recoveries += 1;
        },
        entriesLost: () => undefined,
      },
    });
  });

  afterEach(() => follower.close());

  const revocation = (): Extract<Revocation, { kind: 'session' }> => ({
    kind: 'session',
    userId: ids.next(clock.now()),
    sessionId: ids.next(clock.now()),
    reason: 'LOGGED_OUT',
    endedAt: clock.now(),
    expiresAt: clock.now() + HOUR,
  });
  const known = ({ userId, sessionId }: { userId: string; sessionId: string }) =>
    follower.endReasonOf(userId, sessionId, clock.now() + 1);

  test('reports that it knows nothing before it has read the log', () => {
    expect(follower).toMatchObject({ asOf: 0, revision: undefined, coveredSince: Number.POSITIVE_INFINITY });
    expect(follower.ageMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('has the whole log after its start, page by page', async () => {
    const revocations = Array.from({ length: 2_100 }, revocation);
    for (const entry of revocations) await log.append(entry, clock.now());
    await follower.start();
    await eventually(() => follower.asOf > 0);
    expect(revocations.every((entry) => known(entry) === 'LOGGED_OUT')).toBe(true);
    expect(follower.size).toBe(2_100);
  });

  test('applies a new revocation and reaches its revision', async () => {
    await follower.start();
    const entry = revocation();
    const revision = await log.append(entry, clock.now());
    await eventually(() => follower.revision === revision);
    expect(known(entry)).toBe('LOGGED_OUT');
  });

  test('lets 2,000 calls wait for a revision, and refuses more at once', async () => {
    await follower.start();
    const later = '99999999999999-0';
    const waiting = Array.from({ length: 2_000 }, () => follower.reach(later, 20));
    const first = await Promise.race([
      follower.reach(later, 60_000).then((isHeld) => `one more: ${isHeld}`),
      Promise.all(waiting).then(() => 'the 2,000'),
    ]);
    expect(first).toBe('one more: false');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]));
    const revision = await log.append(revocation(), clock.now());
    expect(await follower.reach(revision, 5_000)).toBe(true);
  });

  test('is as fresh as its last complete round', async () => {
    await follower.start();
    await eventually(() => follower.asOf === clock.now());
    expect(follower.ageMs).toBe(0);
    clock.advance(50);
    await eventually(() => follower.asOf === clock.now());
    log.fallSilent();
    await eventually(() => log.unanswered > 0);
    const asOf = clock.now();
    clock.advance(10_000);
    await log.append(revocation(), clock.now());
    expect(follower.ageMs).toBeGreaterThanOrEqual(10_000);
    expect(follower.asOf).toBeLessThanOrEqual(asOf);
    log.speak();
    await eventually(() => follower.asOf === clock.now());
  });

  test('continues after an error', async () => {
    await follower.start();
    log.faulty = true;
    await eventually(() => faults.length > 0);
    const entry = revocation();
    await log.append(entry, clock.now());
    clock.advance(1_000);
    expect(known(entry)).toBeUndefined();
    expect(recoveries).toBe(0);
    log.faulty = false;
    await eventually(() => known(entry) === 'LOGGED_OUT' && follower.asOf === clock.now());
    await eventually(() => recoveries > 0);
    clock.advance(1_000);
    await eventually(() => follower.asOf === clock.now());
    expect(recoveries).toBe(1);
  });

  test('puts back what a failover lost, and does not advance until then', async () => {
    await follower.start();
    const [kept, lost] = [revocation(), revocation()];
    await log.append(kept, clock.now());
    const revision = await log.append(lost, clock.now());
    await eventually(() => follower.revision === revision && follower.asOf === clock.now());
    clock.advance(1_000);
    await log.fail();
    await log.append(kept, clock.now());
    await eventually(() => reinstated.length > 0 && follower.asOf === clock.now());
    expect(reinstated).toEqual([lost]);
    expect(known(lost)).toBe('LOGGED_OUT');
    expect(known(kept)).toBe('LOGGED_OUT');
  });

  test('detects a loss although the log has grown since, and does not advance until it is restored', async () => {
    await follower.start();
    const [lost, later] = [revocation(), revocation()];
    const revision = await log.append(lost, clock.now());
    await eventually(() => follower.revision === revision);
    clock.advance(1_000);
    log.fallSilent();
    await eventually(() => log.unanswered > 0);
    await log.fail();
    await log.append(later, clock.now());
    log.speak();
    await eventually(() => reinstated.length > 0 && follower.asOf === clock.now());
    expect(reinstated).toEqual([lost]);
    expect(known(later)).toBe('LOGGED_OUT');
  });

  test('keeps a revocation as long as it accepts its tokens, even if another server would not', async () => {
    await follower.start();
    const entry = { ...revocation(), expiresAt: clock.now() + 1 };
    await log.append(entry, clock.now());
    await eventually(() => follower.size === 1);
    clock.advance(HOUR - 1);
    await eventually(() => follower.asOf === clock.now());
    expect(known(entry)).toBe('LOGGED_OUT');
  });

  test('forgets nothing because the clock was briefly set forward', async () => {
    await follower.start();
    const entry = revocation();
    await log.append(entry, clock.now());
    await eventually(() => follower.size === 1);
    clock.set(2 * HOUR);
    await eventually(() => follower.asOf === clock.now());
    clock.set(-2 * HOUR);
    expect(known(entry)).toBe('LOGGED_OUT');
  });

  test('forgets expired revocations', async () => {
    await follower.start();
    await log.append(revocation(), clock.now());
    await eventually(() => follower.size === 1);
    clock.advance(HOUR);
    await eventually(() => follower.size === 0);
  });

  test("keeps no revocation longer than a day beyond a token's lifetime, and it does not delay others", async () => {
    const later = clock.now() + 3_000 * 365 * DAY;
    const lasting = [
      { ...revocation(), expiresAt: later },
      { ...revocation(), endedAt: later, expiresAt: later },
    ];
    for (const entry of lasting) await log.append(entry, clock.now());
    const after = revocation();
    await log.append(after, clock.now());
    await follower.start();
    clock.advance(DAY);
    await eventually(() => follower.asOf === clock.now());
    expect(lasting.every((entry) => known(entry) === 'LOGGED_OUT')).toBe(true);
    clock.advance(2 * HOUR);
    await eventually(() => follower.size === 0);
  });
});
