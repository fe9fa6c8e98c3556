import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import type {
  RevocationSubscriber,
  SubscriberSink,
  WatchMessage,
} from '../../src/core/revocation/revocation-subscriber.ts';
import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { WatchEncoder } from '../../src/grpc/messages/watch-encoder.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RevocationSequence } from '../support/revocations.ts';

const WATCHERS = 5_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Buffers are released one turn after garbage collection. */
async function usedBytes(): Promise<number> {
  for (let count = 0; count < 3; count += 1) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Encodes each message, as a stream does, and takes it at the end of the turn. */
class Stream implements SubscriberSink {
  bytes: Buffer | undefined;
  received = 0;
  isCurrent = false;
  isStuck = false;
  sentWhileStuck = 0;
  readonly subscriber: RevocationSubscriber;
  readonly #encoder: WatchEncoder;

  constructor(subscriptions: RevocationSubscriptions, encoder: WatchEncoder) {
    this.#encoder = encoder;
    this.subscriber = subscriptions.watch(this, { heartbeatMs: 1_000 });
    this.subscriber.check();
  }

  send(message: WatchMessage): void {
    this.bytes = this.#encoder.encode(message);
    this.received += message.page?.entries.length ?? 0;
    this.isCurrent = message.freshness !== undefined;
    if (this.isStuck) this.sentWhileStuck += 1;
    else setImmediate(() => this.subscriber.taken());
  }

  end(): void {}
}

test('Five thousand subscribers are served in several turns, share the encoded bytes and use little memory', async () => {
  const clock = new ManualClock();
  const subscriptions = new RevocationSubscriptions(clock);
  const endings = new RevocationSequence();
  const learn = (count: number) => {
    subscriptions.learned(endings.next(count, clock.now()));
    subscriptions.confirmed({
      coveredSince: 1_000,
      asOf: clock.now(),
      asOfMonotonic: clock.monotonic(),
      forgetUntil: clock.now(),
    });
  };
  learn(2_500);
  const encoder = new WatchEncoder();
  const before = await usedBytes();
  const streams = Array.from({ length: WATCHERS }, () => new Stream(subscriptions, encoder));
  await eventually(() => streams.every(({ received, isCurrent }) => received === 2_500 && isCurrent), 30_000);
  // A separate last page would take 70 KB per subscriber.
  expect(new Set(streams.map(({ bytes }) => bytes)).size).toBe(1);
  expect(((await usedBytes()) - before) / WATCHERS).toBeLessThan(2_000);

  for (const stream of streams.slice(0, 1_000)) stream.isStuck = true;
  let turns = 0;
  const turning = setInterval(() => {
    turns += 1;
  }, 1);
  const moving = streams.slice(1_000);
  for (let count = 1; count <= 3; count += 1) {
    learn(1);
    await eventually(() => moving.every(({ received }) => received === 2_500 + count), 30_000);
  }
  clearInterval(turning);
  expect(turns).toBeGreaterThan(1);
  expect(streams.slice(0, 1_000).every(({ sentWhileStuck }) => sentWhileStuck <= 1)).toBe(true);
  expect(new Set(moving.map(({ bytes }) => bytes)).size).toBeLessThan(10);

  for (const { subscriber } of streams) subscriber.close();
  expect(subscriptions.size).toBe(0);
}, 60_000);
