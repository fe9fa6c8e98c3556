import { invalidField } from '../failure.ts';

/** What a sign-in at the limit does: replace the oldest session by creation, or be refused. */
export const LIMIT_ACTIONS = ['replace', 'refuse'] as const;
export type LimitAction = (typeof LIMIT_ACTIONS)[number];

/** Only `limit` has a number of sessions. */
export const POLICY_KINDS = ['unlimited', 'limit', 'one-per-platform', 'one'] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

/** How many sessions a user may have. */
export type DevicePolicy =
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'limit'; readonly maxSessions: number; readonly atLimit: LimitAction }
  | { readonly kind: 'one-per-platform' | 'one'; readonly atLimit: LimitAction };

/** Upper bound of `maxSessions`, because a sign-in reads all sessions of its user in one step of the store. */
export const MAX_SESSIONS_LIMIT = 1_000;

/** Throws INVALID_FIELD if the number of sessions is out of range. */
export function checkDevicePolicy(policy: DevicePolicy, field: string): void {
  if (policy.kind !== 'limit') return;
  const { maxSessions } = policy;
  if (!Number.isInteger(maxSessions) || maxSessions < 1 || maxSessions > MAX_SESSIONS_LIMIT) {
    throw invalidField(`${field}.max_sessions`, `must be 1 to ${MAX_SESSIONS_LIMIT}, not ${maxSessions}`);
  }
}
