import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Attempt, LoginAttempts } from '../../src/core/sign-in/login-attempts.ts';
import { FORGIVE_MS } from '../../src/core/sign-in/login-limits.ts';
import { anAttempt, reserved } from '../support/attempts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ids, MINUTE } from '../support/sessions.ts';

const FREE_OF_ACCOUNT = 50;
const FREE_AT_NETWORK = 10;

/**
 * The law of `LoginAttempts`, under `loginLimits(30)`.
 *
 * @param open opens the attempts as one process does; two of them count together.
 */
export function loginAttemptsLaw(name: string, open: () => LoginAttempts): void {
  describe(`login attempts in ${name}`, () => {
    let clock: ManualClock;
    let attempts: LoginAttempts;
    let userId: string;
    /** A network. */
    let here: string;
    beforeEach(() => {
      clock = new ManualClock();
      attempts = open();
      userId = ids.next(clock.now());
      here = ids.next(clock.now());
    });

    /** An attempt at the account, from a network of its own unless told otherwise. */
    const make = (given: Partial<Attempt> = {}) =>
      reserved(attempts, anAttempt(clock.now(), { userId, ...given }));
    const makeMany = async (count: number, given: Partial<Attempt> = {}) => {
      for (let made = 0; made < count; made += 1) expect(await make(given)).toBe('in');
    };
    /** The delays of so many attempts, each made as soon as it may be. */
    const delaysOf = async (count: number, given: Partial<Attempt>) => {
      const delays: unknown[] = [];
      for (let made = 0; made < count; made += 1) {
        const wait = await make(given);
        delays.push(wait);
        if (wait === 'in') continue;
        clock.advance(wait - 1);
        expect(await make(given)).toBe(1);
        clock.advance(1);
        expect(await make(given)).toBe('in');
      }
      return delays;
    };

    test('at one account are free, then wait ever longer, half a minute at most', async () => {
      await makeMany(FREE_OF_ACCOUNT);
      const delays = await delaysOf(8, {});
      expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    });

    test('that no longer count still count for a clock that is behind', async () => {
      const began = clock.now();
      await make({ network: here });
      clock.advance(FORGIVE_MS);
      await make({ network: undefined });
      const behind = { network: here, now: began + FORGIVE_MS - 1 };
      await makeMany(FREE_AT_NETWORK - 1, behind);
      expect(await make(behind)).toBe(1_000);
    });

    test('at one account from one network wait longer, five minutes at most', async () => {
      const given = { network: here };
      await makeMany(FREE_AT_NETWORK, given);
      const delays = await delaysOf(9, given);
      expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256].map((seconds) => seconds * 1_000));
      for (const minutes of [4, 4, 5, 5]) {
        const wait = await make(given);
        expect(wait).toBeGreaterThan((minutes * MINUTE) / 2);
        expect(wait).toBeLessThanOrEqual(5 * MINUTE);
        clock.advance(Number(wait));
        expect(await make(given)).toBe('in');
      }
    });

    test('from elsewhere are not delayed by those of one network', async () => {
      await makeMany(FREE_AT_NETWORK, { network: here });
      expect(await make({ network: here })).toBe(1_000);
      expect(await make({ network: ids.next(0) })).toBe('in');
      expect(await make({ network: undefined })).toBe('in');
    });

    test('of any number at the same time, no more pass than one after the other', async () => {
      const processes = [attempts, open(), open(), open()];
      const outcomes = await Promise.all(
        Array.from({ length: 400 }, (_, index) =>
          reserved(processes[index % 4] ?? attempts, anAttempt(clock.now(), { userId })),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'in')).toHaveLength(FREE_OF_ACCOUNT);
      expect(new Set(outcomes)).toEqual(new Set(['in', 1_000]));
    });

    test('that succeed do not count, however many there are at the same time', async () => {
      const network = here;
      for (let round = 0; round < 10; round += 1) {
        const made = Array.from({ length: FREE_AT_NETWORK }, () =>
          anAttempt(clock.now(), { userId, network }),
        );
        expect(new Set(await Promise.all(made.map((each) => reserved(attempts, each))))).toEqual(
          new Set(['in']),
        );
        await Promise.all(made.map((each) => attempts.giveBack(each)));
      }
      await makeMany(FREE_AT_NETWORK, { network });
      expect(await make({ network })).toBe(1_000);
    });

    test('that are refused count nowhere', async () => {
      const network = here;
      await makeMany(FREE_OF_ACCOUNT);
      for (let refused = 0; refused < 40; refused += 1) expect(await make({ network })).toBe(1_000);
      clock.advance(1_000);
      expect(await make({ network })).toBe('in');
    });

    test('are forgiven one by one, also while others succeed', async () => {
      await makeMany(FREE_OF_ACCOUNT);
      for (let step = 0; step < 20; step += 1) {
        clock.advance(FORGIVE_MS / 10);
        const success = anAttempt(clock.now(), { userId });
        expect(await reserved(attempts, success)).toBe('in');
        await attempts.giveBack(success);
      }
      await makeMany(2);
      expect(await make()).toBe(1_000);
    });

    test('of one network at many accounts are limited in a sliding minute', async () => {
      const network = here;
      const anywhere = () => reserved(attempts, anAttempt(clock.now(), { network }));
      for (let made = 0; made < 30; made += 1) {
        expect(await anywhere()).toBe('in');
        clock.advance(1_000);
      }
      expect(await anywhere()).toBe(MINUTE / 2);
      expect(await reserved(attempts, anAttempt(clock.now()))).toBe('in');
      clock.advance(MINUTE / 2 - 1);
      expect(await anywhere()).toBe(1);
      clock.advance(1);
      expect(await anywhere()).toBe('in');
      expect(await anywhere()).toBe(1_000);
    });

    test('of one network do not count there when they succeed', async () => {
      const network = here;
      for (let made = 0; made < 40; made += 1) {
        const attempt = anAttempt(clock.now(), { network });
        expect(await reserved(attempts, attempt)).toBe('in');
        await attempts.giveBack(attempt);
      }
    });

    test('leave the QR tickets of their network alone, which have a window of their own', async () => {
      const tickets = `tickets of ${here}`;
      const ticket = () => attempts.reserveTicket({ id: ids.next(0), network: tickets, now: clock.now() });
      for (let made = 0; made < 60; made += 1) expect((await ticket()).kind).toBe('admitted');
      expect(await ticket()).toEqual({ kind: 'refused', retryAfterMs: MINUTE });
      await makeMany(FREE_AT_NETWORK, { network: here });
      clock.advance(MINUTE);
      expect((await ticket()).kind).toBe('admitted');
    });

    test('of a known device have a bucket of their own', async () => {
      await makeMany(FREE_OF_ACCOUNT);
      const given = { deviceId: ids.next(0), network: here };
      await makeMany(FREE_AT_NETWORK, given);
      expect(await delaysOf(2, given)).toEqual([1_000, 2_000]);
      expect(await make({ ...given, deviceId: ids.next(0) })).toBe('in');
    });

    test('are free again when the limits of the account are lifted', async () => {
      const device = { deviceId: ids.next(0) };
      await makeMany(FREE_OF_ACCOUNT);
      await makeMany(FREE_AT_NETWORK, device);
      await attempts.lift(userId);
      await attempts.lift(ids.next(0));
      await makeMany(FREE_AT_NETWORK, device);
      await makeMany(FREE_OF_ACCOUNT);
      expect(await make()).toBe(1_000);
    });

    test('can be given back after their account was lifted', async () => {
      const attempt = anAttempt(clock.now(), { userId });
      await attempts.reserve(attempt);
      await attempts.lift(userId);
      await attempts.giveBack(attempt);
      await makeMany(FREE_OF_ACCOUNT);
      expect(await make()).toBe(1_000);
    });

    test('are delayed by a clock that is behind too, but not by one that was a day ahead', async () => {
      const now = clock.now();
      await makeMany(FREE_OF_ACCOUNT);
      const behind = anAttempt(now - 4_000, { userId });
      expect(await reserved(attempts, behind)).toBeGreaterThanOrEqual(5_000);
      clock.set(86_400_000);
      expect(await make()).toBe('in');
      clock.set(-86_400_000);
      expect(await make()).toBe('in');
    });
  });
}
