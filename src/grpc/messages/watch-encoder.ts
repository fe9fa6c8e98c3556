import type { LogPage } from '../../core/revocation/living-log.ts';
import type { Revocation as DomainRevocation } from '../../core/revocation/revocation.ts';
import type { Currency, WatchMessage, WatchStart } from '../../core/revocation/revocation-watcher.ts';
import {
  type Currency as CurrencyMessage,
  type Revocation,
  WatchRevocationsResponse,
} from '../../gen/latchkey/v1/validation.ts';
import { bytesOf } from '../encoding.ts';
import { durationMessage } from './duration-message.ts';
import { endReasonOf } from './session-message.ts';

const NOTHING: WatchRevocationsResponse = {
  start: undefined,
  revocations: [],
  revision: '',
  currency: undefined,
};

/** A page of the log in wire form. */
interface EncodedPage {
  /** Its entries, and the revision that it ends with. */
  readonly told: Buffer;
  /** The same with the currency that it was sent with last. */
  current: { readonly currency: Currency; readonly bytes: Buffer } | undefined;
}

/**
 * Encodes what watchers are told. Thousands are told the same, so what is the same for all who stand at one place is
 * encoded once, and kept for as long as the log keeps that page. Protobuf lets messages with different fields be
 * encoded one after the other: the pieces are the generated encoder's work and only put together here.
 */
export class WatchEncoder {
  readonly #pages = new WeakMap<LogPage, EncodedPage>();
  /** The latest message without entries. */
  #heartbeat: (Pick<WatchMessage, 'revision' | 'currency'> & { readonly bytes: Buffer }) | undefined;

  encode(message: WatchMessage): Buffer {
    const { start, slice: page, currency } = message;
    const body = page === undefined ? this.#heartbeatBytes(message) : this.#pageBytes(page, currency);
    return start === undefined ? body : Buffer.concat([encodeStart(start), body]);
  }

  #pageBytes(page: LogPage, currency: Currency | undefined): Buffer {
    let encoded = this.#pages.get(page);
    if (encoded === undefined) {
      encoded = { told: encodePage(page), current: undefined };
      this.#pages.set(page, encoded);
    }
    if (currency === undefined) return encoded.told;
    if (encoded.current?.currency !== currency) {
      encoded.current = { currency, bytes: Buffer.concat([encoded.told, encodePlace('', currency)]) };
    }
    return encoded.current.bytes;
  }

  #heartbeatBytes(message: WatchMessage): Buffer {
    const { revision, currency } = message;
    const latest = this.#heartbeat;
    if (latest !== undefined && latest.revision === revision && latest.currency === currency) {
      return latest.bytes;
    }
    const bytes = encodePlace(revision ?? '', currency);
    this.#heartbeat = { revision, currency, bytes };
    return bytes;
  }
}

function encodePage({ entries }: LogPage): Buffer {
  return bytesOf(WatchRevocationsResponse, {
    ...NOTHING,
    revocations: entries.map(({ revocation }) => revocationMessage(revocation)),
    revision: entries.at(-1)?.revision ?? '',
  });
}

function encodeStart({ openedAt, resumed, coveredSince }: WatchStart): Buffer {
  const start = { openedAt: durationMessage(openedAt), resumed, coveredSince: new Date(coveredSince) };
  return bytesOf(WatchRevocationsResponse, { ...NOTHING, start });
}

function encodePlace(revision: string, currency: Currency | undefined): Buffer {
  return bytesOf(WatchRevocationsResponse, {
    ...NOTHING,
    revision,
    currency: currency && currencyMessage(currency),
  });
}

function currencyMessage({ asOf, asOfMonotonic, revision }: Currency): CurrencyMessage {
  return { asOf: new Date(asOf), asOfSteady: durationMessage(asOfMonotonic), revision: revision ?? '' };
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
