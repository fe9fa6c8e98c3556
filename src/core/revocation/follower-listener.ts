import type { LoggedRevocation } from './revocation-log.ts';

/** State of the log after a complete read. */
export interface Confirmation {
  /** When the log began; milliseconds since 1970. */
  readonly coveredSince: number;
  /** All revocations acknowledged up to this time have been reported; milliseconds since 1970. */
  readonly asOf: number;
  /** The same time by the monotonic clock. */
  readonly asOfMonotonic: number;
  /** No live token needs entries that expired up to this time; milliseconds since 1970. */
  readonly forgetUntil: number;
}

/** Receives what the follower reads, synchronously. Methods must not throw. */
export interface FollowerListener {
  /** New entries in log order, each once. `expiresAt` is how long the follower keeps the entry. */
  learned(entries: readonly LoggedRevocation[]): void;
  /** The entries since the start or the last `restarted` are the complete log up to `asOf`. */
  confirmed(confirmation: Confirmation): void;
  /** A read failed. Completeness is unknown until the next `confirmed`. */
  readFailed(): void;
  /** The log lost entries or was replaced. The follower reads and reports it again from its beginning. */
  restarted(coveredSince: number): void;
}

/** Passes everything on to each listener in order. */
export function listenersInOrder(...listeners: readonly FollowerListener[]): FollowerListener {
  return {
    learned: (entries) => {
      for (const listener of listeners) listener.learned(entries);
    },
    confirmed: (confirmation) => {
      for (const listener of listeners) listener.confirmed(confirmation);
    },
    readFailed: () => {
      for (const listener of listeners) listener.readFailed();
    },
    restarted: (coveredSince) => {
      for (const listener of listeners) listener.restarted(coveredSince);
    },
  };
}
