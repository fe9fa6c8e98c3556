import type { LoggedRevocation } from '../../core/revocation/revocation-log.ts';
import type { Revocation } from '../../validator/revocation-set.ts';
import { idOf, LATEST_MS, reasonOf, timeOf } from './stored-values.ts';

/** A parsed log entry. */
export interface ParsedEntry extends LoggedRevocation {
  /** True if a field is not in the format of any known release. */
  readonly isDamaged: boolean;
}

/** Replaces an id that cannot be parsed. No user or session has this id. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** A cut-off is at most this much later than its entry, because clocks differ by less. Milliseconds. */
const MAX_AHEAD_MS = 86_400_000;

/** The fields of an entry. `append-revocation.lua` relies on their order. */
export function fieldsOf(revocation: Revocation): readonly (string | number)[] {
  const { userId, reason, endedAt, expiresAt } = revocation;
  const what =
    revocation.kind === 'session' ? ['session', revocation.sessionId] : ['created_until', revocation.cutoff];
  return ['user', userId, ...what, 'reason', reason, 'ended_at', endedAt, 'expires_at', expiresAt];
}

/**
 * Parses an entry. A damaged entry still applies as far as it can be read: if it names a session, that session has
 * ended. If its cut-off cannot be read, all of the user's sessions up to the entry's own time have ended.
 * A damaged entry keeps its position in the log.
 */
export function parseEntry(revision: string, list: readonly string[]): ParsedEntry {
  const fields = fieldMap(list);
  const userId = idOf(fields.get('user'));
  const sessionId = idOf(fields.get('session'));
  const [cutoff, endedAt, expiresAt] = ['created_until', 'ended_at', 'expires_at'].map((name) =>
    timeOf(fields.get(name)),
  );
  const common = {
    userId: userId ?? NO_ID,
    reason: reasonOf(fields.get('reason')),
    endedAt: endedAt ?? timeIn(revision),
    expiresAt: expiresAt ?? endedAt ?? timeIn(revision),
  };
  const hasRequiredFields = userId !== undefined && endedAt !== undefined && expiresAt !== undefined;
  const hasValidFields = hasRequiredFields && common.reason === fields.get('reason');
  if (fields.has('session') || !fields.has('created_until')) {
    const revocation = { kind: 'session', ...common, sessionId: sessionId ?? NO_ID } as const;
    return { revision, revocation, isDamaged: !hasValidFields || sessionId === undefined };
  }
  const isPlausible = cutoff !== undefined && cutoff <= common.endedAt + MAX_AHEAD_MS;
  const revocation = { kind: 'user', ...common, cutoff: isPlausible ? cutoff : common.endedAt } as const;
  return { revision, revocation, isDamaged: !hasValidFields || !isPlausible };
}

function fieldMap(list: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] ?? '', list[at + 1] ?? '');
  return fields;
}

/** When Redis stored the entry, from the first part of its revision. Milliseconds since the Unix epoch. */
function timeIn(revision: string): number {
  return Math.min(Number.parseInt(revision, 10), LATEST_MS);
}
