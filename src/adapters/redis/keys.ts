import { packId } from './packed-id.ts';

/** Keys of one user. The braces are a hash tag: in a cluster they share a slot, so a script can touch them all. */
export interface UserKeys {
  /** A session's key is this followed by its packed id. */
  readonly sessionPrefix: string;
  /** Sorted set of packed session ids by absolute deadline. */
  readonly sessions: string;
  /** Hash: the user's latest cut-off. */
  readonly cutoff: string;
}

export function userKeys(userId: string): UserKeys {
  const base = `lk:{${packId(userId)}}`;
  return { sessionPrefix: `${base}:session:`, sessions: `${base}:sessions`, cutoff: `${base}:cutoff` };
}

/** The log and when it began. The hash tag keeps both in one slot. */
export const LOG_KEYS = {
  stream: 'lk:{revocations}',
  genesis: 'lk:{revocations}:genesis',
} as const;

/** Written to find out whether the store takes writes. */
export const PROBE_KEY = 'lk:probe';
