/** The keys of one user. The braces are a hash tag: in a cluster all keys share a slot, as a script requires. */
export interface UserKeys {
  /** Hash of living sessions by session id; the format is in `session.lua`. */
  readonly sessions: string;
  /** The key of a tombstone is this prefix and the session id. */
  readonly tombstonePrefix: string;
  /** Hash with the user's latest cut-off. */
  readonly cutoff: string;
  /** Written to check that the node of these keys accepts writes and that replicas confirm them. */
  readonly probe: string;
  /** Hash of the failed sign-in attempts by bucket; the format is in `reserve-attempt.lua`. */
  readonly attempts: string;
}

export function userKeys(userId: string): UserKeys {
  const base = `lk:{${userId}}`;
  return {
    // No suffix: saves 16 bytes for each user.
    sessions: base,
    tombstonePrefix: `${base}:ended:`,
    cutoff: `${base}:cutoff`,
    probe: `${base}:probe`,
    attempts: `${base}:attempts`,
  };
}

/** Sorted set of the failed sign-in attempts of one network. @param hash keyed hash of the network. */
export function networkKey(hash: string): string {
  return `lk:{t:${hash}}`;
}

/**
 * `genesis`: when the log began. `primaries`: the replication ids at that time. `dropped`: the id of the last dropped
 * entry. `proof`: written to prove that the node is still the primary. The hash tag keeps all keys in one slot.
 */
export const LOG_KEYS = {
  stream: 'lk:{revocations}',
  genesis: 'lk:{revocations}:genesis',
  primaries: 'lk:{revocations}:primaries',
  dropped: 'lk:{revocations}:dropped',
  proof: 'lk:{revocations}:proof',
} as const;

/**
 * `stream`: audit events on their way to SQL. `mover`: the process that moves them now. `probe`: written to check that
 * the node accepts writes.
 */
export const AUDIT_KEYS = {
  stream: 'lk:{audit}',
  mover: 'lk:{audit}:mover',
  probe: 'lk:{audit}:probe',
} as const;

/** Written to check that the store accepts writes. */
export const PROBE_KEY = 'lk:probe';

/** Hash of one QR ticket; the format is in `ticket.lua`. */
export function ticketKey(ticketId: string): string {
  return `lk:{qr:${ticketId}}`;
}

/** Stream of the ids of tickets whose state has changed. */
export const TICKET_CHANGES_KEY = 'lk:{qr}:changes';

/** Hash of one flow to an identity provider; the format is in `take-flow.lua`. */
export function flowKey(flowId: string): string {
  return `lk:{ext:${flowId}}`;
}

/** A token that all replicas share, and the lease of the one that renews it; the format is in `replace-token.lua`. */
export function sharedTokenKeys(name: string): { readonly token: string; readonly lease: string } {
  const token = `lk:{app:${name}}`;
  return { token, lease: `${token}:lease` };
}
