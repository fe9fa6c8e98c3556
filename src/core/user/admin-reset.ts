import type { Actor } from '../audit/security-event.ts';
import { distinctRoles } from './roles.ts';
import { strongPassword } from './strong-password.ts';
import { ADMIN_ROLE, type User } from './user.ts';
import { userNotFound } from './user-failures.ts';
import type { UserServiceOptions } from './user-service.ts';
import { canonicalUsername } from './username.ts';

export interface AdminResetOptions
  extends Pick<UserServiceOptions, 'directory' | 'sessions' | 'clock' | 'events'> {
  readonly passwords: Pick<UserServiceOptions['passwords'], 'hash'>;
}

export interface AdminReset {
  readonly user: User;
  /** The new password, to be shown once. */
  readonly password: string;
  /** Why sessions of the user may go on; undefined: all have ended. */
  readonly unended: unknown;
}

const OPERATOR: Actor = { kind: 'operator' };

/**
 * Lets an operator in who cannot sign in: gives the user a new password, enables them, gives them the role `admin`, and
 * ends their sessions. Fails with USER_NOT_FOUND, and with USER_CHANGED if the user was changed meanwhile: nothing was
 * set then.
 */
export async function resetAdmin(options: AdminResetOptions, username: string): Promise<AdminReset> {
  const { directory, passwords, sessions, clock, events } = options;
  const found = await directory.findByUsernameKey(canonicalUsername(username));
  if (found === undefined) throw userNotFound();
  const password = strongPassword();
  const now = clock.now();
  const change = {
    passwordHash: await passwords.hash(password),
    passwordChangedAt: now,
    disabledAt: null,
    roles: distinctRoles([...found.roles, ADMIN_ROLE]),
    endsSessions: true,
  };
  const user = await directory.update(found.userId, change, now, { ifVersion: found.version });
  const { userId } = user;
  events.publish({ kind: 'UserChanged', at: now, actor: OPERATOR, userId, change: 'PASSWORD_SET' });
  try {
    await sessions.endUser(userId, user.securityVersion, 'PASSWORD_CHANGED', OPERATOR);
    return { user, password, unended: undefined };
  } catch (unended) {
    return { user, password, unended };
  }
}
