import type { User } from '../../src/core/user/user.ts';
import { canonicalUsername } from '../../src/core/user/username.ts';

/** When the users of tests were created. */
export const USERS_SINCE = Date.UTC(2026, 0, 1);

/** The id of the nth user; ids are in the order of n. */
export function userIdOf(n: number): string {
  return `019b7760-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

/** The nth user, enabled and without roles unless it is given otherwise. */
export function aUser(n: number, given: Partial<User> = {}): User {
  const username = given.username ?? `User${n}`;
  return {
    userId: userIdOf(n),
    username,
    usernameKey: canonicalUsername(username),
    passwordHash: `hash of user ${n}`,
    roles: [],
    devicePolicy: undefined,
    disabledAt: undefined,
    createdAt: USERS_SINCE,
    updatedAt: USERS_SINCE,
    passwordChangedAt: USERS_SINCE,
    version: 1,
    securityVersion: 1,
    keptSessionId: undefined,
    ...given,
  };
}
