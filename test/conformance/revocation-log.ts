import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RevocationLog } from '../../src/core/revocation/revocation-log.ts';
import { reaches } from '../../src/validator/revision.ts';
import type { Revocation } from '../../src/validator/revocation-set.ts';
import { inLanes } from '../support/in-lanes.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { HOUR, ids } from '../support/sessions.ts';

export interface OpenLog {
  readonly log: RevocationLog;
  readonly close: () => Promise<void>;
}

/** The law of `RevocationLog`. @param open opens an empty log with a retention of one hour. */
export function revocationLogLaw(name: string, open: () => Promise<OpenLog>): void {
  describe(`the revocation log (${name})`, () => {
    const clock = new ManualClock();
    let opened: OpenLog;
    let log: RevocationLog;

    beforeEach(async () => {
      opened = await open();
      log = opened.log;
    });

    afterEach(() => opened.close());

    const revocation = (): Revocation => ({
      kind: 'session',
      userId: ids.next(clock.now()),
      sessionId: ids.next(clock.now()),
      reason: 'LOGGED_OUT',
      endedAt: clock.now(),
      expiresAt: clock.now() + HOUR,
    });
    const cutoff = (): Revocation => ({
      kind: 'user',
      userId: ids.next(clock.now()),
      cutoff: clock.now(),
      reason: 'USER_DISABLED',
      endedAt: clock.now(),
      expiresAt: clock.now() + HOUR,
    });

    test('returns entries as written, in the order of their revisions', async () => {
      const written = [revocation(), cutoff(), revocation()];
      const revisions: string[] = [];
      for (const revocation of written) revisions.push(await log.append(revocation, clock.now()));
      const read = await log.read(undefined, 0);
      expect(read).toEqual(written.map((revocation, index) => ({ revision: revisions[index], revocation })));
      expect(reaches(revisions[2], revisions[1] ?? '')).toBe(true);
      expect(reaches(revisions[1], revisions[2] ?? '')).toBe(false);
    });

    test('returns only entries after a position', async () => {
      const first = await log.append(revocation(), clock.now());
      const second = await log.append(revocation(), clock.now());
      expect((await log.read(first, 0)).map(({ revision }) => revision)).toEqual([second]);
      expect(await log.read(second, 0)).toEqual([]);
    });

    test('returns 2,500 entries in pages, each entry once', async () => {
      const revocations = Array.from({ length: 2_500 }, () => revocation());
      const revisions = await inLanes(revocations, (entry) => log.append(entry, clock.now()));
      const seen: string[] = [];
      for (let page = await log.read(undefined, 0); page.length > 0; page = await log.read(seen.at(-1), 0)) {
        expect(page.length).toBeLessThanOrEqual(1_000);
        seen.push(...page.map(({ revision }) => revision));
      }
      expect(new Set(seen).size).toBe(2_500);
      expect(new Set(seen)).toEqual(new Set(revisions));
    });

    test('wakes a waiting reader', async () => {
      const waiting = log.read(undefined, 1_000);
      const revision = await log.append(revocation(), clock.now());
      expect(await waiting).toMatchObject([{ revision }]);
    });

    test('releases a reader when its wait is over', async () => {
      expect(await log.read(undefined, 5)).toEqual([]);
    });

    test('keeps an entry until its own expiry, however old it is', async () => {
      const kept = { ...revocation(), expiresAt: clock.now() + 5 * HOUR };
      const revision = await log.append(kept, clock.now());
      clock.advance(4 * HOUR);
      for (let count = 0; count < 3; count += 1) await log.append(revocation(), clock.now());
      expect(await log.read(undefined, 0)).toContainEqual({ revision, revocation: kept });
    });

    test('drops expired entries as it grows, and does not count them as lost', async () => {
      const position = await log.append(revocation(), clock.now());
      clock.advance(2 * HOUR);
      const kept = [await log.append(revocation(), clock.now()), await log.append(revocation(), clock.now())];
      expect((await log.read(undefined, 0)).map(({ revision }) => revision)).toEqual(kept);
      expect(await log.inspect(position, clock.now())).toMatchObject({ continuous: true });
    });

    test('has a genesis from its first use, which does not change', async () => {
      const { coveredSince } = await log.inspect(undefined, clock.now());
      clock.advance(HOUR);
      const position = await log.append(revocation(), clock.now());
      expect(await log.inspect(position, clock.now())).toEqual({ coveredSince, continuous: true });
    });
  });
}
