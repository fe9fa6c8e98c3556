import { createHash } from 'node:crypto';
import { isRevision } from '../../core/revocation/revocation.ts';
import { MAX_GENERATION } from '../../core/session/refresh-token.ts';
import type { EndedSession, Session } from '../../core/session/session.ts';
import { createdAtOf } from '../../core/session/session-id.ts';
import { DictionaryMissing } from './blob-dictionary.ts';
import { UnreadableRecord } from './damage.ts';
import { NUMBER_LENGTH, packNumber, unpackNumber } from './packed-id.ts';
import { decodeFixed, encodeFixed } from './session-blob.ts';
import { LATEST_MS, reasonOf, timeOf } from './stored-values.ts';

/** A living session as its user's hash has it; the record's places are told in `ending.lua`. */
export interface StoredSession {
  readonly record: string;
  /** Of the blob. */
  readonly pieces: readonly string[];
}

const PIECES_AT = 4 * NUMBER_LENGTH;
const MARK_CHARACTERS = 12;

export function storedSession(session: Session): StoredSession {
  const { generation, lastSeenAt, idleDeadline, absoluteDeadline } = session;
  const pieces = encodeFixed(session);
  const numbers = [generation, lastSeenAt, idleDeadline, absoluteDeadline].map(packNumber);
  const count = packNumber(pieces.length).slice(-1);
  return { record: [...numbers, count, deviceMark(session)].join(''), pieces };
}

/** Throws `UnreadableRecord` for what no release has written, and `DictionaryMissing` for what a later one has. */
export function parseSession(userId: string, sessionId: string, stored: StoredSession): Session {
  try {
    return expectSound(decode(userId, sessionId, stored));
  } catch (cause) {
    if (cause instanceof DictionaryMissing) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnreadableRecord(`the record of a session cannot be read: ${why}`, { cause });
  }
}

function decode(userId: string, sessionId: string, { record, pieces }: StoredSession): Session {
  if (pieces.length !== unpackNumber(record.charAt(PIECES_AT))) throw new Error('it lacks a piece');
  const number = (index: number) =>
    unpackNumber(record.slice(index * NUMBER_LENGTH, (index + 1) * NUMBER_LENGTH));
  return {
    sessionId,
    userId,
    ...decodeFixed(pieces),
    createdAt: createdAtOf(sessionId) ?? 0,
    generation: number(0),
    lastSeenAt: number(1),
    idleDeadline: number(2),
    absoluteDeadline: number(3),
  };
}

/**
 * The same for sessions of the same client on the same device: 72 bits of a hash, which is compared within one user's
 * sessions. Empty where the device has no id: such a session is like no other.
 */
export function deviceMark({ clientId, device }: Pick<Session, 'clientId' | 'device'>): string {
  if (device.deviceId === '') return '';
  const hash = createHash('sha256').update(JSON.stringify([clientId, device.deviceId]));
  return hash.digest('base64url').slice(0, MARK_CHARACTERS);
}

/** Refuses values that the format can carry and no session has. */
function expectSound(session: Session): Session {
  const { clientId, device, ipAddress, authenticationMethods } = session;
  const texts: readonly unknown[] = [clientId, device.deviceId, device.name, device.platform, ipAddress];
  const methods: unknown = authenticationMethods;
  if (!Array.isArray(methods)) throw new Error('its authentication methods are no list');
  for (const text of [...texts, ...methods]) {
    if (typeof text !== 'string' || !text.isWellFormed()) throw new Error('one of its texts is not text');
  }
  const { generation, createdAt, lastSeenAt, idleDeadline, absoluteDeadline } = session;
  if (generation < 1 || generation > MAX_GENERATION) throw new Error('its generation is out of range');
  for (const time of [createdAt, lastSeenAt, idleDeadline, absoluteDeadline]) {
    if (!(time >= 0 && time <= LATEST_MS)) throw new Error('one of its times is out of range');
  }
  return session;
}

/**
 * A damaged tombstone still says that the session has ended.
 *
 * @param tombstone reason, ended at, and the revision, empty until the ending is logged.
 * @param now stands for a time of the ending that cannot be read.
 */
export function parseEnded(
  sessionId: string,
  [reason, endedAt, revision = '']: readonly string[],
  now: number,
): EndedSession {
  return {
    sessionId,
    reason: reasonOf(reason),
    endedAt: timeOf(endedAt) ?? now,
    revision: isRevision(revision) ? revision : undefined,
  };
}
