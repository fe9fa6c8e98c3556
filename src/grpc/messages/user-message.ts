import type { User as DomainUser } from '../../core/user/user.ts';
import type { User } from '../../gen/latchkey/admin/v1/user.ts';

export function userMessage(user: DomainUser): User {
  return {
    userId: user.userId,
    username: user.username,
    roles: user.roles,
    disabledAt: user.disabledAt === undefined ? undefined : new Date(user.disabledAt),
    createdAt: new Date(user.createdAt),
    updatedAt: new Date(user.updatedAt),
    passwordChangedAt: new Date(user.passwordChangedAt),
    etag: String(user.version),
  };
}

/** The version in an etag. Undefined if the etag is not valid. */
export function versionOf(etag: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(etag) ? Number(etag) : undefined;
}
