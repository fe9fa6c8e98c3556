import type { DevicePolicy, LimitAction } from '../user/device-policy.ts';
import { SERVICE_ROLE, type User } from '../user/user.ts';
import type { Device, Session } from './session.ts';

/** The limit that a sign-in has to keep. */
export interface SessionLimit {
  /** At least 1. */
  readonly maxSessions: number;
  /** Which sessions count: every one of the user, or those on the platform of the new one. */
  readonly counted: 'all' | 'same-platform';
  readonly atLimit: LimitAction;
}

/** What a sign-in does to the sessions of its user. Lists of ids are in their order. */
export type OpeningDecision =
  /** There is room. `replaced`: earlier sessions of the same device. */
  { readonly kind: 'open'; readonly replaced: readonly Session[] } | LimitDecision;

export type LimitDecision =
  /** End these sessions first, then decide again. */
  | { readonly kind: 'full'; readonly toEnd: readonly string[] }
  /** No room. `listed`: sessions of which one must end first; the oldest, at most `MAX_LISTED_SESSIONS`. */
  | { readonly kind: 'refused'; readonly listed: readonly string[] };

export interface OpeningRequest {
  readonly session: Session;
  readonly limit: SessionLimit;
  /** The session that the user chose to end. Empty: none. */
  readonly endSessionId: string;
}

/** Maximum number of sessions in a refusal. */
export const MAX_LISTED_SESSIONS = 20;

/**
 * The limit where the policy has none; beyond it the oldest is replaced. A sign-in reads all sessions of its user in one
 * step of the store. Redis serves no other call in that time: about 14 microseconds for each session.
 */
const UNLIMITED: SessionLimit = { maxSessions: 2_000, counted: 'all', atLimit: 'replace' };

/** The limit of the user's own policy. Without one: none for the role `service`, otherwise that of the configuration. */
export function limitOf(user: Pick<User, 'roles' | 'devicePolicy'>, configured: DevicePolicy): SessionLimit {
  if (user.devicePolicy !== undefined) return limitOfPolicy(user.devicePolicy);
  return user.roles.includes(SERVICE_ROLE) ? UNLIMITED : limitOfPolicy(configured);
}

function limitOfPolicy(policy: DevicePolicy): SessionLimit {
  switch (policy.kind) {
    case 'unlimited':
      return UNLIMITED;
    case 'limit':
      return { maxSessions: policy.maxSessions, counted: 'all', atLimit: policy.atLimit };
    case 'one':
      return { maxSessions: 1, counted: 'all', atLimit: policy.atLimit };
    case 'one-per-platform':
      return { maxSessions: 1, counted: 'same-platform', atLimit: policy.atLimit };
  }
}

/**
 * The device policy as a pure function. `create.lua` decides in the same way whether a session is opened. A property
 * test compares the two.
 *
 * - The earlier session of the same device and client is replaced and does not count.
 * - A replaced session whose end is not logged counts on every platform, because its tokens may still be valid.
 * - At the limit nothing is opened; see `decideAtLimit`.
 *
 * @param living the user's sessions whose deadlines have not passed, oldest first.
 * @param unlogged ids of the user's replaced sessions whose end is not logged.
 */
export function decideOpening(
  request: OpeningRequest,
  living: readonly Session[],
  unlogged: readonly string[],
): OpeningDecision {
  const { session, limit } = request;
  const replaced = living.filter((other) => isSameDevice(other, session));
  const counted = living.filter((other) => !isSameDevice(other, session) && counts(other, session, limit));
  if (counted.length + unlogged.length + 1 <= limit.maxSessions) return { kind: 'open', replaced };
  const ids = counted.map(({ sessionId }) => sessionId);
  return decideAtLimit(request, ids, unlogged);
}

/**
 * What a sign-in at the limit does. `replace` ends the chosen session if it counts, then the oldest. `refuse` ends the
 * chosen one only. A chosen session that does not count is ignored.
 *
 * @param counted ids of the sessions that count, oldest first.
 * @param unlogged see `decideOpening`. They are ended first.
 */
export function decideAtLimit(
  { limit, endSessionId }: Pick<OpeningRequest, 'limit' | 'endSessionId'>,
  counted: readonly string[],
  unlogged: readonly string[],
): LimitDecision {
  const tooMany = Math.max(0, counted.length + 1 - limit.maxSessions);
  const chosen = counted.filter((sessionId) => sessionId === endSessionId);
  const refuses = limit.atLimit === 'refuse';
  if (refuses && tooMany > 0 && chosen.length === 0) {
    return { kind: 'refused', listed: counted.slice(0, MAX_LISTED_SESSIONS) };
  }
  const others = refuses ? [] : counted.filter((sessionId) => sessionId !== endSessionId);
  return { kind: 'full', toEnd: [...unlogged, ...[...chosen, ...others].slice(0, tooMany)].sort() };
}

function isSameDevice(other: Session, { device, clientId }: Session): boolean {
  return device.deviceId !== '' && other.device.deviceId === device.deviceId && other.clientId === clientId;
}

function counts(other: Session, session: Session, { counted }: SessionLimit): boolean {
  return counted === 'all' || platformKey(other.device) === platformKey(session.device);
}

/**
 * The form in which platforms are compared: without surrounding spaces, ASCII letters in lower case. `create.lua`
 * compares in the same way. An unknown platform is a platform of its own.
 */
export function platformKey({ platform }: Pick<Device, 'platform'>): string {
  return platform.replaceAll(/^ +| +$/g, '').replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
