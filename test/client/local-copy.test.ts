import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LocalCopy, momentOf } from '../../src/client/local/local-copy.ts';
import type { WatchRevocationsResponse } from '../../src/gen/latchkey/v1/validation.ts';
import { duration, endOf } from '../support/fake-validation-service.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SESSION = '019b7600-0000-7000-8000-00000000bbbb';
const MADE = 0x019b76000000;

/** A service whose monotonic clock has another origin, and whose wall clock may be ahead. */
class Service {
  readonly clock: ManualClock;
  readonly #offsetMs: number;

  constructor(clock: ManualClock, offsetMs = 77_000) {
    this.clock = clock;
    this.#offsetMs = offsetMs;
  }

  get steady() {
    return duration(this.clock.monotonic() + this.#offsetMs);
  }

  start({ coveredSince = 0, resumed = false } = {}) {
    return { openedAt: this.steady, resumed, coveredSince: new Date(coveredSince) };
  }

  message(given: Partial<WatchRevocationsResponse> = {}): WatchRevocationsResponse {
    return { start: undefined, revocations: [], revision: '', freshness: undefined, ...given };
  }

  current(given: Partial<WatchRevocationsResponse> = {}, revision = '7-0'): WatchRevocationsResponse {
    const freshness = { asOf: new Date(this.clock.now()), asOfMonotonic: this.steady, revision };
    return this.message({ revision, freshness, ...given });
  }
}

function world() {
  const clock = new ManualClock();
  return { clock, service: new Service(clock), copy: new LocalCopy(clock) };
}

describe('the local copy of the revocations', () => {
  test('is empty before the first message', () => {
    const { copy } = world();
    expect(copy).toMatchObject({
      asOf: 0,
      ageMs: Number.POSITIVE_INFINITY,
      coveredSince: Number.POSITIVE_INFINITY,
      revision: undefined,
      position: undefined,
    });
  });

  test('counts the delay of a message as age', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    const first = service.current({ start: service.start() });
    const asOf = clock.now();
    clock.advance(300);
    copy.apply(first, opened);
    expect(copy.ageMs).toBe(300);
    const second = service.current();
    clock.advance(4_000);
    copy.apply(second, opened);
    expect(copy.ageMs).toBe(4_000);
    expect(copy.asOf).toBe(asOf + 300);
  });

  test('is never younger than its true age', () => {
    const step = fc.record({ opening: fc.nat(3_000), quiet: fc.nat(3_000), travel: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const { clock, service, copy } = world();
        let trueAsOf = Number.NEGATIVE_INFINITY;
        for (const { opening, quiet, travel } of steps) {
          const opened = momentOf(clock);
          clock.advance(opening);
          copy.reopen();
          const start = service.start();
          clock.advance(quiet);
          const message = service.current({ start });
          trueAsOf = Math.max(trueAsOf, clock.monotonic());
          clock.advance(travel);
          copy.apply(message, opened);
          expect(copy.ageMs).toBeGreaterThanOrEqual(clock.monotonic() - trueAsOf);
        }
      }),
    );
  });

  test('is not in the future if the clocks drift apart', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    copy.apply(service.current({ start: service.start() }), opened);
    const { freshness } = service.current();
    if (freshness === undefined) throw new Error('expected a freshness');
    const asOfMonotonic = duration(clock.monotonic() + 77_000 + 60_000);
    copy.apply(service.message({ freshness: { ...freshness, asOfMonotonic } }), opened);
    expect(copy.ageMs).toBe(0);
  });

  test('is old after the machine has slept, although the monotonic clock stood still', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    const message = service.current({ start: service.start() });
    clock.set(3_600_000);
    copy.apply(message, opened);
    expect(copy.ageMs).toBe(3_600_000);
  });

  test('does not become older when the clock is set back', () => {
    const { clock, service, copy } = world();
    copy.apply(service.current({ start: service.start() }), momentOf(clock));
    clock.set(-3_600_000);
    clock.advance(100);
    expect(copy.ageMs).toBe(100);
  });

  test('ignores the freshness of a stream without a start', () => {
    const { clock, service, copy } = world();
    copy.apply(service.current({ start: service.start() }), momentOf(clock));
    clock.advance(1_000);
    copy.reopen();
    copy.apply(service.current(), momentOf(clock));
    expect(copy.ageMs).toBe(1_000);
  });

  test('does not go back if another server is behind', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    const late = service.current({ start: service.start() }, '5-0');
    clock.advance(1_000);
    copy.apply(service.current({ start: service.start() }, '9-0'), momentOf(clock));
    const { asOf } = copy;
    copy.reopen();
    copy.apply(late, opened);
    expect(copy).toMatchObject({ asOf, ageMs: 0, revision: '9-0' });
  });

  test('applies revocations at once, also before all of them arrived, and reports each once', () => {
    const { clock, service, copy } = world();
    const revocations = [endOf(SESSION, clock.now())];
    const opened = momentOf(clock);
    const start = service.start();
    expect(copy.apply(service.message({ start, revocations, revision: '6-0' }), opened)).toHaveLength(1);
    expect(copy.endReasonOf('any', SESSION, MADE)).toBe('LOGGED_OUT');
    expect(copy.ageMs).toBe(Number.POSITIVE_INFINITY);
    expect(copy.position).toStrictEqual({ revision: '6-0', coveredSince: new Date(0) });
    expect(copy.apply(service.current({ revocations }), opened)).toHaveLength(0);
  });

  test('keeps revocations if the log starts over, and continues at its beginning', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    const revocations = [endOf(SESSION, clock.now())];
    copy.apply(service.current({ start: service.start(), revocations }), opened);
    const coveredSince = clock.now();
    copy.apply(service.message({ start: service.start({ coveredSince }) }), opened);
    expect(copy.position).toBeUndefined();
    expect(copy.coveredSince).toBe(coveredSince);
    expect(copy.endReasonOf('any', SESSION, MADE)).toBe('LOGGED_OUT');
  });

  test('counts an earlier start of the log only after all of it arrived', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    copy.apply(service.current({ start: service.start({ coveredSince: 9_000 }) }), opened);
    copy.apply(service.message({ start: service.start({ coveredSince: 4_000 }) }), opened);
    expect(copy.coveredSince).toBe(9_000);
    copy.apply(service.current(), opened);
    expect(copy.coveredSince).toBe(4_000);
  });

  test('treats a revocation of an unknown kind as the end of all sessions of the user', () => {
    const { clock, service, copy } = world();
    const ended = { ...endOf(SESSION, clock.now()), scope: undefined, endReason: 99 as never };
    copy.apply(service.current({ start: service.start(), revocations: [ended] }), momentOf(clock));
    expect(copy.endReasonOf(ended.userId, 'another', clock.now())).toBe('UNSPECIFIED');
    expect(copy.endReasonOf(ended.userId, 'another', clock.now() + 1)).toBeUndefined();
    expect(copy.endReasonOf('other-user', 'other-session', clock.now())).toBeUndefined();
  });

  test('forgets a revocation once no token needs it by any clock', () => {
    const { clock, service, copy } = world();
    const opened = momentOf(clock);
    const isKnown = () => copy.endReasonOf('any', SESSION, MADE) !== undefined;
    const revocations = [endOf(SESSION, clock.now())];
    copy.apply(service.current({ start: service.start(), revocations }), opened);
    clock.set(3_600_000);
    copy.apply(service.current(), opened);
    expect(isKnown()).toBe(true);
    clock.set(-3_600_000);
    clock.advance(899_999);
    copy.apply(service.current(), opened);
    expect(isKnown()).toBe(true);
    clock.advance(1);
    copy.apply(service.current(), opened);
    expect(isKnown()).toBe(false);
  });
});
