import type { Failure } from '../../src/core/failure.ts';
import type {
  RevocationSubscriber,
  SubscriberSink,
  WatchMessage,
} from '../../src/core/revocation/revocation-subscriber.ts';
import type {
  RevocationSubscriptions,
  WatchPosition,
} from '../../src/core/revocation/revocation-subscriptions.ts';

/** A subscriber that records its messages. */
export class RecordingWatch implements SubscriberSink {
  readonly messages: WatchMessage[] = [];
  failure: Failure | undefined;
  readonly #subscriber: RevocationSubscriber;
  #holds: boolean;
  #isHolding = false;

  /** @param options `holds`: takes no message until it is released. */
  constructor(
    subscriptions: RevocationSubscriptions,
    options: { heartbeatMs?: number; after?: WatchPosition | undefined; holds?: boolean } = {},
  ) {
    const { heartbeatMs = 1_000, after, holds = false } = options;
    this.#holds = holds;
    this.#subscriber = subscriptions.watch(this, { heartbeatMs, after });
    this.#subscriber.check();
  }

  send(message: WatchMessage): void {
    if (this.#isHolding) throw new Error('a message while another was on its way');
    this.messages.push(message);
    if (this.#holds) this.#isHolding = true;
    else this.#subscriber.taken();
  }

  end(failure: Failure): void {
    this.failure = failure;
  }

  get revisions(): readonly string[] {
    return this.messages.flatMap(({ page }) => page?.entries.map(({ revision }) => revision) ?? []);
  }

  get last(): WatchMessage {
    const last = this.messages.at(-1);
    if (last === undefined) throw new Error('no message yet');
    return last;
  }

  /** Where to resume after the last message; undefined: there was none. */
  get place(): WatchPosition | undefined {
    const start = this.messages.findLast((message) => message.start !== undefined)?.start;
    const { revision } = this.last;
    return revision === undefined ? undefined : { revision, coveredSince: start?.coveredSince ?? Number.NaN };
  }

  hold(): void {
    this.#holds = true;
  }

  release(): void {
    this.#holds = false;
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#subscriber.taken();
  }

  close(): void {
    this.#subscriber.close();
  }
}
