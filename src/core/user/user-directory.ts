import type { AuditEvent } from '../audit/audit-event.ts';
import type { DevicePolicy } from './device-policy.ts';
import type { User } from './user.ts';

export interface UserPage {
  readonly users: readonly User[];
  /** Id of the last user of this page; undefined: this is the last page. */
  readonly next: string | undefined;
}

/** The fields to change. Every change also sets `updatedAt` and increments `version`. */
export interface UserChange {
  readonly username?: string;
  readonly usernameKey?: string;
  readonly roles?: readonly string[];
  /** Null removes it. */
  readonly devicePolicy?: DevicePolicy | null;
  readonly passwordHash?: string;
  readonly passwordChangedAt?: number;
  /** A number disables the user, null enables it. */
  readonly disabledAt?: number | null;
  /** Also increments `securityVersion`, and sets `keptSessionId`. */
  readonly endsSessions?: boolean;
  /** With `endsSessions`: the session that goes on. Omitted: none. */
  readonly keptSessionId?: string;
}

export interface ChangeConditions {
  /** Fails with USER_CHANGED unless the record is at this version. */
  readonly ifVersion?: number;
  /**
   * Fails with LAST_ADMIN if the change would leave no enabled user with the role `admin`.
   * Checked in the same transaction, and serialized with all other changes that set this.
   */
  readonly keepAnAdmin?: boolean;
  /** Stored in the same transaction. */
  readonly audit?: AuditEvent;
}

/**
 * The user store.
 *
 * Law:
 * - Every method is one transaction and durable when it resolves. An audit event that is passed to a change is in the
 *   audit trail if and only if the change was made.
 * - `usernameKey` is unique. Of two concurrent inserts with the same key, one fails with USERNAME_TAKEN.
 * - A read returns the result of the latest resolved write, also from another process.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: users` within a second. No driver error is thrown.
 * - After STORE_UNAVAILABLE a write may have happened, or still happen if its commit was in progress. Callers repeat it
 *   or read again.
 */
export interface UserDirectory {
  insert(user: User, audit?: AuditEvent): Promise<void>;
  /** Inserts only if there are no users, and returns whether it did. Safe across processes. */
  insertFirst(user: User, audit?: AuditEvent): Promise<boolean>;
  findById(userId: string): Promise<User | undefined>;
  findByUsernameKey(usernameKey: string): Promise<User | undefined>;
  /** In the order of their ids, which is the order of creation. `after` is a user id. */
  list(limit: number, after: string | undefined): Promise<UserPage>;
  /** Returns the user after the change. Fails with USER_NOT_FOUND, USERNAME_TAKEN, USER_CHANGED, LAST_ADMIN. */
  update(userId: string, change: UserChange, now: number, conditions?: ChangeConditions): Promise<User>;
  /** Returns whether the user existed. Fails with USER_CHANGED if `ifVersion` is given and the version differs. */
  delete(userId: string, conditions?: Pick<ChangeConditions, 'ifVersion' | 'audit'>): Promise<boolean>;
  /** Resolves if a query can be executed now. */
  ping(): Promise<void>;
}

/** The name of a user, for people to see. Empty: there is no such user, or the store cannot tell at present. */
export async function usernameOf(users: Pick<UserDirectory, 'findById'>, userId: string): Promise<string> {
  const user = await users.findById(userId).catch(() => undefined);
  return user?.username ?? '';
}
