import { createHash } from 'node:crypto';
import type { EndedSession, EndReason, Session } from '../../core/session/session.ts';
import { createdAtOf } from '../../core/session/session-id.ts';
import { NUMBER_LENGTH, packNumber, unpackNumber } from './packed-id.ts';
import { decodeFixed, encodeFixed } from './session-blob.ts';

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

export function parseSession(userId: string, sessionId: string, { record, pieces }: StoredSession): Session {
  if (pieces.length !== unpackNumber(record.charAt(PIECES_AT))) throw new Error('a session lacks a piece');
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

/** @param tombstone reason, ended at, and the revision, empty until the ending is logged. */
export function parseEnded(
  sessionId: string,
  [reason = '', endedAt = '', revision = '']: readonly string[],
): EndedSession {
  return {
    sessionId,
    reason: reason as EndReason,
    endedAt: Number(endedAt),
    revision: revision === '' ? undefined : revision,
  };
}
