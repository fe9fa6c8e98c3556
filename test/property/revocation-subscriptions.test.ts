import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LoggedRevocation } from '../../src/core/revocation/revocation-log.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordingWatch } from '../support/recording-watch.ts';
import { RevocationSequence } from '../support/revocations.ts';
import { HOUR } from '../support/sessions.ts';

/**
 * Readers connect, disconnect, stop reading and resume, while the log grows and forgets. Over all its streams, each
 * reader gets the log: every entry that had not expired, in order, none twice. All freshness that it gets is true.
 */

const GENESIS = 1_000;

class Reader {
  readonly revisions: string[] = [];
  #watch: RecordingWatch;
  #counted = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.#watch = new RecordingWatch(world.subscriptions);
    this.check();
  }

  hold(): void {
    this.#watch.hold();
  }

  release(): void {
    this.#watch.release();
    this.check();
  }

  reconnect(): void {
    this.check();
    const { place } = this.#watch;
    this.#watch.close();
    this.#watch = new RecordingWatch(this.#world.subscriptions, { after: place });
    this.#counted = 0;
    this.check();
  }

  close(): void {
    this.#watch.close();
  }

  /** Takes what it received since the last check, and compares every freshness with the log. */
  check(): void {
    const { messages } = this.#watch;
    for (const { page, freshness } of messages.slice(this.#counted)) {
      for (const { revision } of page?.entries ?? []) this.revisions.push(revision);
      if (freshness !== undefined) this.#world.expectKnown(this.revisions, freshness.asOfMonotonic);
    }
    this.#counted = messages.length;
  }
}

class World {
  readonly clock = new ManualClock();
  readonly subscriptions = new RevocationSubscriptions(this.clock);
  readonly readers: Reader[] = [];
  readonly log: { readonly entry: LoggedRevocation; readonly at: number }[] = [];
  readonly #revocations = new RevocationSequence();
  #confirmedAt = 0;

  constructor(readers: number) {
    this.confirm();
    for (let count = 0; count < readers; count += 1) this.readers.push(new Reader(this));
  }

  append(count: number): void {
    this.clock.advance(1);
    const entries = this.#revocations.next(count, this.clock.now());
    this.log.push(...entries.map((entry) => ({ entry, at: this.clock.monotonic() })));
    this.subscriptions.learned(entries);
    this.check();
  }

  confirm(): void {
    this.clock.advance(1);
    this.#confirmedAt = this.clock.monotonic();
    this.subscriptions.confirmed({
      coveredSince: GENESIS,
      asOf: this.clock.now(),
      asOfMonotonic: this.#confirmedAt,
      forgetUntil: this.clock.now(),
    });
    this.check();
  }

  fault(): void {
    this.subscriptions.readFailed();
    this.check();
  }

  /** Never so long that a slow reader is closed, which has its own test. */
  expire(): void {
    for (const reader of this.readers) reader.release();
    this.clock.advance(HOUR / 2);
    this.confirm();
  }

  check(): void {
    for (const reader of this.readers) reader.check();
  }

  living(): readonly string[] {
    return this.log
      .filter(({ entry }) => entry.revocation.expiresAt > this.clock.now())
      .map(({ entry }) => entry.revision);
  }

  expectKnown(revisions: readonly string[], asOf: number): void {
    expect(asOf).toBeLessThanOrEqual(this.#confirmedAt);
    const known = new Set(revisions);
    const missing = this.log.filter(
      ({ entry, at }) =>
        at <= asOf && entry.revocation.expiresAt > this.clock.now() && !known.has(entry.revision),
    );
    expect(missing).toEqual([]);
  }

  end(): void {
    for (const reader of this.readers) reader.release();
    this.confirm();
    for (const reader of this.readers) {
      expect(new Set(reader.revisions).size).toBe(reader.revisions.length);
      const order = reader.revisions.map((revision) => Number(revision.slice(2)));
      expect(order).toEqual([...order].sort((a, b) => a - b));
      const living = this.living();
      expect(living.length === 0 ? [] : reader.revisions.slice(-living.length)).toEqual(living);
    }
    for (const reader of this.readers) reader.close();
    expect(this.subscriptions.size).toBe(0);
  }
}

const READERS = 3;
const reader = fc.integer({ min: 0, max: READERS - 1 });
const step = fc.oneof(
  fc.tuple(fc.constant('append' as const), fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(1_200))),
  fc.tuple(fc.constantFrom('confirm' as const, 'fault' as const, 'expire' as const), fc.constant(0)),
  fc.tuple(fc.constantFrom('hold' as const, 'release' as const, 'reconnect' as const), reader),
);

describe('the revocation subscriptions', () => {
  test('reach every reader in order, without loss or repetition, and with true freshness', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World(READERS);
        for (const [kind, argument] of steps) {
          if (kind === 'append') world.append(argument);
          else if (kind === 'confirm' || kind === 'fault' || kind === 'expire') world[kind]();
          else world.readers[argument]?.[kind]();
        }
        world.end();
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
