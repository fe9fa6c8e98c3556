import type { Revocation } from '../../core/revocation/revocation.ts';
import type { LoggedRevocation } from '../../core/revocation/revocation-log.ts';
import { idOf, LATEST_MS, reasonOf, timeOf } from './stored-values.ts';

/** An entry as it is read. */
export interface ParsedEntry extends LoggedRevocation {
  /** A part of it is not as any release has written it. */
  readonly isDamaged: boolean;
}

/** In the place of an id that cannot be read: no user and no session has it. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** A cut-off is this much later than its entry at most: clocks agree better than that. Milliseconds. */
const MAX_AHEAD_MS = 86_400_000;

/** `append-revocation.lua` relies on their order. */
export function fieldsOf(revocation: Revocation): readonly (string | number)[] {
  const { userId, reason, endedAt, expiresAt } = revocation;
  const what =
    revocation.kind === 'session' ? ['session', revocation.sessionId] : ['created_until', revocation.cutoff];
  return ['user', userId, ...what, 'reason', reason, 'ended_at', endedAt, 'expires_at', expiresAt];
}

/**
 * A damaged entry counts for what can be read of it: if it names a session, that has ended; if it names a user and has a
 * cut-off that cannot be read, all sessions up to its own time have. It always keeps its place in the log.
 */
export function parseEntry(revision: string, list: readonly string[]): ParsedEntry {
  const fields = fieldMap(list);
  const [userId, sessionId] = [idOf(fields.get('user')), idOf(fields.get('session'))];
  const [cutoff, endedAt, expiresAt] = ['created_until', 'ended_at', 'expires_at'].map((name) =>
    timeOf(fields.get(name)),
  );
  const common = {
    userId: userId ?? NO_ID,
    reason: reasonOf(fields.get('reason')),
    endedAt: endedAt ?? timeIn(revision),
    expiresAt: expiresAt ?? endedAt ?? timeIn(revision),
  };
  const isSound = userId !== undefined && endedAt !== undefined && expiresAt !== undefined;
  const isWhole = isSound && common.reason === fields.get('reason');
  if (fields.has('session') || !fields.has('created_until')) {
    const revocation = { kind: 'session', ...common, sessionId: sessionId ?? NO_ID } as const;
    return { revision, revocation, isDamaged: !isWhole || sessionId === undefined };
  }
  const isPlausible = cutoff !== undefined && cutoff <= common.endedAt + MAX_AHEAD_MS;
  const revocation = { kind: 'user', ...common, cutoff: isPlausible ? cutoff : common.endedAt } as const;
  return { revision, revocation, isDamaged: !isWhole || !isPlausible };
}

function fieldMap(list: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] ?? '', list[at + 1] ?? '');
  return fields;
}

/** When Redis stored the entry: the first part of its revision. */
function timeIn(revision: string): number {
  return Math.min(Number.parseInt(revision, 10), LATEST_MS);
}
