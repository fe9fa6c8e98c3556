import type { Failure } from '../../src/core/failure.ts';
import type { RevocationBroadcast, WatchedPlace } from '../../src/core/revocation/revocation-broadcast.ts';
import type {
  RevocationWatcher,
  WatchMessage,
  WatchSink,
} from '../../src/core/revocation/revocation-watcher.ts';

/** A watcher that remembers what it was told. */
export class RecordingWatch implements WatchSink {
  readonly messages: WatchMessage[] = [];
  failure: Failure | undefined;
  readonly #watcher: RevocationWatcher;
  #holds: boolean;
  #isHolding = false;

  /** @param options `holds`: takes no message until it is told to. */
  constructor(
    broadcast: RevocationBroadcast,
    options: { heartbeatMs?: number; after?: WatchedPlace | undefined; holds?: boolean } = {},
  ) {
    const { heartbeatMs = 1_000, after, holds = false } = options;
    this.#holds = holds;
    this.#watcher = broadcast.watch(this, { heartbeatMs, after });
    this.#watcher.look();
  }

  send(message: WatchMessage): void {
    if (this.#isHolding) throw new Error('a message while another was on its way');
    this.messages.push(message);
    if (this.#holds) this.#isHolding = true;
    else this.#watcher.taken();
  }

  end(failure: Failure): void {
    this.failure = failure;
  }

  get revisions(): readonly string[] {
    return this.messages.flatMap(({ slice }) => slice?.entries.map(({ revision }) => revision) ?? []);
  }

  get last(): WatchMessage {
    const last = this.messages.at(-1);
    if (last === undefined) throw new Error('no message yet');
    return last;
  }

  /** Where to go on after the last message; undefined: nothing was told. */
  get place(): WatchedPlace | undefined {
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
    this.#watcher.taken();
  }

  close(): void {
    this.#watcher.close();
  }
}
