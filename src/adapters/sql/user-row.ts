import type { DevicePolicy } from '../../core/user/device-policy.ts';
import { ADMIN_ROLE, type User } from '../../core/user/user.ts';
import type { UserChange } from '../../core/user/user-directory.ts';
import type { NewUserRow, UserRow } from './schema.ts';

export function userOf(row: UserRow): User {
  return {
    userId: row.user_id,
    username: row.username,
    usernameKey: row.username_key,
    passwordHash: row.password_hash,
    roles: JSON.parse(row.roles) as readonly string[],
    devicePolicy: devicePolicyOf(row),
    disabledAt: row.disabled_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    passwordChangedAt: row.password_changed_at,
    version: row.version,
    securityVersion: row.security_version,
    keptSessionId: row.kept_session_id ?? undefined,
  };
}

export function rowOf(user: User): NewUserRow {
  return {
    user_id: user.userId,
    username: user.username,
    username_key: user.usernameKey,
    password_hash: user.passwordHash,
    ...roleColumns(user.roles),
    disabled_at: user.disabledAt ?? null,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    password_changed_at: user.passwordChangedAt,
    version: user.version,
    security_version: user.securityVersion,
    ...devicePolicyColumns(user.devicePolicy ?? null),
    kept_session_id: user.keptSessionId ?? null,
  };
}

/** The columns that a change sets. The query increments both versions. */
export function columnsOf(change: UserChange): Partial<NewUserRow> {
  const { username, usernameKey, roles, devicePolicy, passwordHash, passwordChangedAt, disabledAt } = change;
  const { endsSessions, keptSessionId } = change;
  return {
    ...(username === undefined ? {} : { username }),
    ...(usernameKey === undefined ? {} : { username_key: usernameKey }),
    ...(roles === undefined ? {} : roleColumns(roles)),
    ...(devicePolicy === undefined ? {} : devicePolicyColumns(devicePolicy)),
    ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
    ...(passwordChangedAt === undefined ? {} : { password_changed_at: passwordChangedAt }),
    ...(disabledAt === undefined ? {} : { disabled_at: disabledAt }),
    ...(endsSessions === true ? { kept_session_id: keptSessionId ?? null } : {}),
  };
}

function roleColumns(roles: readonly string[]): Pick<NewUserRow, 'roles' | 'is_admin'> {
  return { roles: JSON.stringify(roles), is_admin: roles.includes(ADMIN_ROLE) ? 1 : 0 };
}

type DevicePolicyColumns = Pick<UserRow, 'device_policy' | 'max_sessions' | 'device_limit_action'>;

function devicePolicyColumns(policy: DevicePolicy | null): DevicePolicyColumns {
  return {
    device_policy: policy?.kind ?? null,
    max_sessions: policy?.kind === 'limit' ? policy.maxSessions : null,
    device_limit_action: policy === null || policy.kind === 'unlimited' ? null : policy.atLimit,
  };
}

function devicePolicyOf(row: DevicePolicyColumns): DevicePolicy | undefined {
  const { device_policy: kind, max_sessions: maxSessions } = row;
  const atLimit = row.device_limit_action ?? 'replace';
  switch (kind) {
    case null:
      return undefined;
    case 'unlimited':
      return { kind };
    case 'limit':
      return { kind, maxSessions: maxSessions ?? 1, atLimit };
    case 'one-per-platform':
    case 'one':
      return { kind, atLimit };
  }
}
