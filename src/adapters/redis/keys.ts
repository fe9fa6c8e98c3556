/** Keys of one user. The braces are a hash tag: in a cluster they share a slot, so a script can touch them all. */
export interface UserKeys {
  /** Hash: the living sessions by their ids, as `session.lua` describes. */
  readonly sessions: string;
  /** The tombstone of a session has this followed by the session id as its key. */
  readonly tombstonePrefix: string;
  /** Hash: the user's latest cut-off. */
  readonly cutoff: string;
  /** Written to find out whether the node of these keys takes writes, and whether replicas confirm them. */
  readonly probe: string;
}

export function userKeys(userId: string): UserKeys {
  const base = `lk:{${userId}}`;
  return {
    // Without a name of its own: 16 bytes less for each user.
    sessions: base,
    tombstonePrefix: `${base}:ended:`,
    cutoff: `${base}:cutoff`,
    probe: `${base}:probe`,
  };
}

/**
 * `genesis`: when the log began; `primaries`: the replication ids then; `dropped`: the id of the last entry that was
 * dropped; `proof`: written to prove that the node is still the primary. The hash tag keeps all keys in one slot.
 */
export const LOG_KEYS = {
  stream: 'lk:{revocations}',
  genesis: 'lk:{revocations}:genesis',
  primaries: 'lk:{revocations}:primaries',
  dropped: 'lk:{revocations}:dropped',
  proof: 'lk:{revocations}:proof',
} as const;

/** Written to find out whether the store takes writes. */
export const PROBE_KEY = 'lk:probe';
