import type { LogSlice } from '../../core/revocation/living-log.ts';
import type { Revocation as DomainRevocation } from '../../core/revocation/revocation.ts';
import type { Currency, WatchMessage, WatchStart } from '../../core/revocation/revocation-watcher.ts';
import { type Revocation, WatchRevocationsResponse } from '../../gen/latchkey/v1/validation.ts';
import { durationMessage } from './duration-message.ts';
import { endReasonOf } from './session-message.ts';

const NOTHING: WatchRevocationsResponse = {
  start: undefined,
  revocations: [],
  revision: '',
  currency: undefined,
};
const NO_BYTES = new Uint8Array();

/**
 * Encodes what watchers are told. Thousands are told the same, so entries are encoded once for all who read them,
 * and the latest message is kept whole. Protobuf lets messages with different fields be encoded one after the other:
 * the pieces are the generated encoder's work and only put together here.
 */
export class WatchEncoder {
  #latest: { readonly message: WatchMessage; readonly bytes: Buffer } | undefined;

  encode(message: WatchMessage): Buffer {
    const { start, slice, revision, currency } = message;
    if (this.#latest !== undefined && saysTheSame(this.#latest.message, message)) return this.#latest.bytes;
    const bytes = Buffer.concat([
      start === undefined ? NO_BYTES : encodeStart(start),
      slice === undefined ? NO_BYTES : encodedEntries(slice),
      encodePlace(revision, currency),
    ]);
    if (start === undefined) this.#latest = { message, bytes };
    return bytes;
  }
}

function saysTheSame(a: WatchMessage, b: WatchMessage): boolean {
  return a.start === b.start && a.slice === b.slice && a.revision === b.revision && a.currency === b.currency;
}

function encodedEntries(slice: LogSlice): Uint8Array {
  slice.encoded ??= WatchRevocationsResponse.encode({
    ...NOTHING,
    revocations: slice.entries.map(({ revocation }) => revocationMessage(revocation)),
  }).finish();
  return slice.encoded;
}

function encodeStart({ openedAt, resumed, coveredSince }: WatchStart): Uint8Array {
  const start = {
    openedAt: durationMessage(openedAt),
    resumed,
    coveredSince: new Date(coveredSince),
  };
  return WatchRevocationsResponse.encode({ ...NOTHING, start }).finish();
}

function encodePlace(revision: string | undefined, currency: Currency | undefined): Uint8Array {
  return WatchRevocationsResponse.encode({
    ...NOTHING,
    revision: revision ?? '',
    currency: currency && {
      asOf: new Date(currency.asOf),
      asOfSteady: durationMessage(currency.asOfMonotonic),
      revision: currency.revision ?? '',
    },
  }).finish();
}

function revocationMessage(revocation: DomainRevocation): Revocation {
  const { userId, reason, endedAt, expiresAt } = revocation;
  return {
    userId,
    scope:
      revocation.kind === 'session'
        ? { $case: 'sessionId', value: revocation.sessionId }
        : { $case: 'beganUntil', value: new Date(revocation.cutoff) },
    endReason: endReasonOf(reason),
    endedAt: new Date(endedAt),
    expiresAt: new Date(expiresAt),
  };
}
