import { distinctRoles } from './roles.ts';
import type { User } from './user.ts';
import { canonicalUsername } from './username.ts';

/** What a new user begins with. */
export interface NewUser extends Pick<User, 'userId' | 'username' | 'passwordHash' | 'roles'> {
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The first record of a user. */
export function newUser({ userId, username, passwordHash, roles, now }: NewUser): User {
  return {
    userId,
    username,
    usernameKey: canonicalUsername(username),
    passwordHash,
    roles: distinctRoles(roles),
    devicePolicy: undefined,
    disabledAt: undefined,
    createdAt: now,
    updatedAt: now,
    passwordChangedAt: now,
    version: 1,
    securityVersion: 1,
    keptSessionId: undefined,
  };
}
