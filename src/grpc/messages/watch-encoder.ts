import type { LogPage } from '../../core/revocation/retained-revocations.ts';
import type { Freshness, WatchMessage, WatchStart } from '../../core/revocation/revocation-subscriber.ts';
import {
  type Freshness as FreshnessMessage,
  type Revocation,
  WatchRevocationsResponse,
} from '../../gen/latchkey/v1/validation.ts';
import type { Revocation as DomainRevocation } from '../../validator/revocation-set.ts';
import { bytesOf } from '../encoding.ts';
import { durationMessage } from './duration-message.ts';
import { endReasonEnum } from './session-message.ts';

const NOTHING: WatchRevocationsResponse = {
  start: undefined,
  revocations: [],
  revision: '',
  freshness: undefined,
};

/** A page of the log in wire form. */
interface EncodedPage {
  /** Its entries and its last revision. */
  readonly entries: Buffer;
  /** The same bytes with the last freshness that was sent. */
  current: { readonly freshness: Freshness; readonly bytes: Buffer } | undefined;
}

/**
 * Encodes messages to subscribers. Thousands of subscribers get the same messages, so each page is encoded once and
 * cached for as long as the log keeps it. Concatenated protobuf messages merge their fields, so parts are encoded
 * separately and joined here.
 */
export class WatchEncoder {
  readonly #pages = new WeakMap<LogPage, EncodedPage>();
  /** The last message without entries. */
  #heartbeat: (Pick<WatchMessage, 'revision' | 'freshness'> & { readonly bytes: Buffer }) | undefined;

  encode(message: WatchMessage): Buffer {
    const { start, page, freshness } = message;
    const body = page === undefined ? this.#heartbeatBytes(message) : this.#pageBytes(page, freshness);
    return start === undefined ? body : Buffer.concat([encodeStart(start), body]);
  }

  #pageBytes(page: LogPage, freshness: Freshness | undefined): Buffer {
    let encoded = this.#pages.get(page);
    if (encoded === undefined) {
      encoded = { entries: encodePage(page), current: undefined };
      this.#pages.set(page, encoded);
    }
    if (freshness === undefined) return encoded.entries;
    if (encoded.current?.freshness !== freshness) {
      encoded.current = { freshness, bytes: Buffer.concat([encoded.entries, encodePosition('', freshness)]) };
    }
    return encoded.current.bytes;
  }

  #heartbeatBytes(message: WatchMessage): Buffer {
    const { revision, freshness } = message;
    const latest = this.#heartbeat;
    if (latest !== undefined && latest.revision === revision && latest.freshness === freshness) {
      return latest.bytes;
    }
    const bytes = encodePosition(revision ?? '', freshness);
    this.#heartbeat = { revision, freshness, bytes };
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

function encodePosition(revision: string, freshness: Freshness | undefined): Buffer {
  return bytesOf(WatchRevocationsResponse, {
    ...NOTHING,
    revision,
    freshness: freshness && freshnessMessage(freshness),
  });
}

function freshnessMessage({ asOf, asOfMonotonic, revision }: Freshness): FreshnessMessage {
  return { asOf: new Date(asOf), asOfMonotonic: durationMessage(asOfMonotonic), revision: revision ?? '' };
}

function revocationMessage(revocation: DomainRevocation): Revocation {
  const { userId, reason, endedAt, expiresAt } = revocation;
  return {
    userId,
    scope:
      revocation.kind === 'session'
        ? { $case: 'sessionId', value: revocation.sessionId }
        : { $case: 'sessionsCreatedUntil', value: new Date(revocation.cutoff) },
    endReason: endReasonEnum(reason),
    endedAt: new Date(endedAt),
    expiresAt: new Date(expiresAt),
  };
}
