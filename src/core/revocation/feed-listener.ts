import type { LoggedRevocation } from './revocation-log.ts';

/** A round of the feed that was complete. */
export interface Confirmation {
  /** When the log began; milliseconds since 1970. */
  readonly coveredSince: number;
  /** Every ending acknowledged up to this instant has been learned; milliseconds since 1970. */
  readonly asOf: number;
  /** The same instant by the monotonic clock. */
  readonly asOfMonotonic: number;
  /** Entries that expired up to this instant can be needed by nobody; milliseconds since 1970. */
  readonly forgetUntil: number;
}

/** Told by the feed what it reads, in the same turn. Must not throw. */
export interface FeedListener {
  /** New entries in the order of the log, each once, with the expiry that the feed keeps them until. */
  learned(entries: readonly LoggedRevocation[]): void;
  /** What was learned since the last rewind, or the start, is the log up to an instant. */
  confirmed(confirmation: Confirmation): void;
  /** A round failed: nothing can be said of how complete the knowledge is until the next confirmation. */
  faulted(): void;
  /** The log has lost entries or is another one: it is read again, and learned, from its beginning. */
  rewound(coveredSince: number): void;
}
