import { MAX_GENERATION } from '../../core/session/refresh-token.ts';
import type { EndedSession, Labels, Session } from '../../core/session/session.ts';
import { isRevision } from '../../validator/revision.ts';
import { createdAtOf } from '../../validator/session-id.ts';
import { LATEST_MS, reasonOf, timeOf } from './stored-values.ts';

const FORMAT = 1;
const MAX_FORMAT = 2 ** 31 - 1;
/** The last element of a session on a device that was new. */
const NEW_DEVICE = 1;
/** What a refresh replaces; `session.lua` requires it too. */
const BEGINNING = /^\[\d+,\d+,\d+,\d+,/;

/** A session record that cannot be parsed. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}

/** A record of a later release is not damaged: a server that can read it may already be running. */
export function laterRecord(): Error {
  return new Error('the session record was written by a later release');
}

/** The elements of a record, in order; `scripts/session.lua` describes them. */
type StoredSession = readonly [
  format: number,
  generation: number,
  refreshedAt: number,
  idleDeadline: number,
  absoluteDeadline: number,
  securityVersion: number,
  clientId: string,
  deviceId: string,
  platform: string,
  deviceName: string,
  ipAddress: string,
  authenticationMethods: readonly string[],
];

/** The stored JSON of a living session. The user id is in the key and the session id is the hash field. */
export function formatSession(session: Session): string {
  const { clientId, device, ipAddress, authenticationMethods } = session;
  const record: StoredSession = [
    FORMAT,
    session.generation,
    session.lastSeenAt,
    session.idleDeadline,
    session.absoluteDeadline,
    session.securityVersion,
    clientId,
    device.deviceId,
    device.platform,
    device.name,
    ipAddress,
    authenticationMethods,
  ];
  const { latestIpAddress, labels, isNewDevice } = session;
  // Most sessions need none of these, and in a user's hash they would take a tenth of the memory.
  if (isNewDevice) return JSON.stringify([...record, latestIpAddress, labels, NEW_DEVICE]);
  const isPlain = latestIpAddress === ipAddress && Object.keys(labels).length === 0;
  return JSON.stringify(isPlain ? record : [...record, latestIpAddress, labels]);
}

/** Throws `UnreadableRecord` if the text is not in the format of any known release, and `laterRecord`. */
export function parseSession(userId: string, sessionId: string, text: string): Session {
  const [format, generation, lastSeenAt, idleDeadline, absoluteDeadline, securityVersion, ...texts] =
    listIn(text);
  // A record may end after `methods`; see `formatSession`. Those of earlier releases do.
  const [clientId, deviceId, platform, name, ipAddress, methods, ...later] = texts;
  const [latestIpAddress = ipAddress, labels = {}, newDevice] = later;
  if (numberOf(format, FORMAT, MAX_FORMAT) > FORMAT) throw laterRecord();
  if (!BEGINNING.test(text)) throw new UnreadableRecord('its first numbers are not as a script writes them');
  if (!Array.isArray(methods)) throw new UnreadableRecord('its authentication methods are not a list');
  return {
    sessionId,
    userId,
    clientId: textOf(clientId),
    device: { deviceId: textOf(deviceId), name: textOf(name), platform: textOf(platform) },
    ipAddress: textOf(ipAddress),
    latestIpAddress: textOf(latestIpAddress),
    labels: labelsOf(labels),
    isNewDevice: newDevice === NEW_DEVICE,
    authenticationMethods: methods.map(textOf),
    createdAt: createdAtOf(sessionId) ?? 0,
    lastSeenAt: numberOf(lastSeenAt, 0, LATEST_MS),
    idleDeadline: numberOf(idleDeadline, 0, LATEST_MS),
    absoluteDeadline: numberOf(absoluteDeadline, 0, LATEST_MS),
    generation: numberOf(generation, 1, MAX_GENERATION),
    securityVersion: numberOf(securityVersion, 0, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * Parses a tombstone. A damaged tombstone still means that the session has ended.
 *
 * @param tombstone reason, end time, revision and time of its log entry. The last two are empty until it is logged.
 * @param now used if the end time cannot be parsed.
 */
export function parseEnded(
  sessionId: string,
  [reason, endedAt, revision = '', loggedAt]: readonly string[],
  now: number,
): EndedSession {
  return {
    sessionId,
    reason: reasonOf(reason),
    endedAt: timeOf(endedAt) ?? now,
    revision: isRevision(revision) ? revision : undefined,
    loggedAt: timeOf(loggedAt),
  };
}

function listIn(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch (cause) {
    throw new UnreadableRecord('it is not JSON', { cause });
  }
  throw new UnreadableRecord('it is not a list');
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) {
    throw new UnreadableRecord('one of its strings is not a well-formed string');
  }
  return value;
}

function labelsOf(value: unknown): Labels {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnreadableRecord('its labels are not an object');
  }
  return Object.fromEntries(Object.entries(value).map(([key, label]) => [textOf(key), textOf(label)]));
}

function numberOf(value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
    throw new UnreadableRecord('one of its numbers is out of range');
  }
  return Number(value);
}
