import { auditEventOf } from '../audit/audit-event.ts';
import type { Actor } from '../audit/security-event.ts';
import { strongPassword } from '../password/password-policy.ts';
import { distinctRoles } from '../user/roles.ts';
import { ADMIN_ROLE, type User } from '../user/user.ts';
import { userNotFound } from '../user/user-failures.ts';
import { canonicalUsername } from '../user/username.ts';
import type { UserServiceOptions } from './user-service.ts';

export interface AdminResetOptions
  extends Pick<UserServiceOptions, 'directory' | 'sessions' | 'clock' | 'ids' | 'events'> {
  readonly passwords: Pick<UserServiceOptions['passwords'], 'hash'>;
}

export interface AdminReset {
  readonly user: User;
  /** The new password. Show it once; it is not stored in plain text. */
  readonly password: string;
  /** Why sessions of the user may still be live; undefined: all have ended. */
  readonly unended: unknown;
}

const OPERATOR: Actor = { kind: 'operator' };

/**
 * Restores access for an operator who cannot sign in. Sets a new password, enables the user, adds the role `admin`, and
 * ends the user's sessions.
 * Fails with USER_NOT_FOUND. Fails with USER_CHANGED if the user was changed concurrently; then nothing was set.
 */
export async function resetAdmin(options: AdminResetOptions, username: string): Promise<AdminReset> {
  const { directory, passwords, sessions, clock, ids, events } = options;
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
  const { userId } = found;
  const event = { kind: 'UserChanged', at: now, actor: OPERATOR, userId, change: 'PASSWORD_SET' } as const;
  const audit = auditEventOf(event, ids.next(now));
  const user = await directory.update(userId, change, now, { ifVersion: found.version, audit });
  events.publish(event);
  try {
    await sessions.endUser(userId, user.securityVersion, 'PASSWORD_CHANGED', OPERATOR);
    return { user, password, unended: undefined };
  } catch (unended) {
    return { user, password, unended };
  }
}
