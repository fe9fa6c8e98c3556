import type { EndedSession, EndReason, Session } from '../../core/session/session.ts';
import { createdAtOf } from '../../core/session/session-id.ts';
import type { ReadOutcome } from '../../core/session/session-store.ts';

/**
 * A session as a hash. A hash stays in Redis' compact form only while no field is longer than this; one longer
 * field doubles the memory of the record. The device's name, the only long text, is cut into pieces.
 */
const COMPACT_FIELD_BYTES = 64;
const NAME_FIELD = 'n';

/** Fields and values, in turn, of what does not change: c client, d device id, p platform, n0… name, a address, m methods. */
export function fixedFields(session: Session): string[] {
  const { clientId, device, ipAddress, authenticationMethods } = session;
  const fields: readonly (readonly [string, string])[] = [
    ['c', clientId],
    ['d', device.deviceId],
    ['p', device.platform],
    ['a', ipAddress],
    ['m', authenticationMethods.join(' ')],
    ...pieces(device.name).map((piece, index) => [`${NAME_FIELD}${index}`, piece] as const),
  ];
  return fields.filter(([, value]) => value !== '').flat();
}

/** Fields of a living record: those above, and g generation, r refreshed at, i idle deadline, x absolute deadline. */
export function parseSession(userId: string, sessionId: string, flat: readonly string[]): Session {
  const fields = fieldsOf(flat);
  const text = (name: string) => fields.get(name) ?? '';
  let name = '';
  for (let index = 0; fields.has(`${NAME_FIELD}${index}`); index += 1) name += text(`${NAME_FIELD}${index}`);
  return {
    sessionId,
    userId,
    clientId: text('c'),
    device: { deviceId: text('d'), name, platform: text('p') },
    ipAddress: text('a'),
    authenticationMethods: text('m')
      .split(' ')
      .filter((method) => method !== ''),
    createdAt: createdAtOf(sessionId) ?? 0,
    lastSeenAt: Number(text('r')),
    idleDeadline: Number(text('i')),
    absoluteDeadline: Number(text('x')),
    generation: Number(text('g')),
  };
}

/** Fields of a tombstone: e reason, t ended at, v revision in the log, missing until it is logged. */
export function parseEnded(
  sessionId: string,
  reason: string,
  endedAt: string,
  revision: string,
): EndedSession {
  return {
    sessionId,
    reason: reason as EndReason,
    endedAt: Number(endedAt),
    revision: revision === '' ? undefined : revision,
  };
}

/** Whatever a record's fields say: a living session, a tombstone, or nothing. */
export function parseRecord(userId: string, sessionId: string, flat: readonly string[]): ReadOutcome {
  if (flat.length === 0) return { kind: 'missing' };
  const fields = fieldsOf(flat);
  const reason = fields.get('e');
  if (reason === undefined) return { kind: 'live', session: parseSession(userId, sessionId, flat) };
  return {
    kind: 'ended',
    ended: parseEnded(sessionId, reason, fields.get('t') ?? '', fields.get('v') ?? ''),
  };
}

function fieldsOf(flat: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2)
    fields.set(flat[index] ?? '', flat[index + 1] ?? '');
  return fields;
}

function pieces(text: string): string[] {
  const found: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const letter of text) {
    const size = Buffer.byteLength(letter);
    if (bytes + size > COMPACT_FIELD_BYTES) {
      found.push(piece);
      piece = '';
      bytes = 0;
    }
    piece += letter;
    bytes += size;
  }
  return [...found, piece];
}
