import type { User } from './user.ts';

export interface UserPage {
  readonly users: readonly User[];
  /** Id of the last user of this page; undefined: there are no more. */
  readonly next: string | undefined;
}

/** What may change of a user. Every change also sets `updatedAt` and adds one to `version`. */
export interface UserChange {
  readonly username?: string;
  readonly usernameKey?: string;
  readonly roles?: readonly string[];
  readonly passwordHash?: string;
  readonly passwordChangedAt?: number;
  /** A number disables, null enables. */
  readonly disabledAt?: number | null;
  /** Add one to `securityVersion` as well. */
  readonly endsSessions?: boolean;
}

export interface ChangeConditions {
  /** Refuse with USER_CHANGED unless the record is at this version. */
  readonly ifVersion?: number;
  /**
   * Refuse with LAST_ADMIN if the change takes the role `admin`, or being enabled, from the only user who has
   * both. Checked in the same transaction, and in turn with every other change that asks for it.
   */
  readonly keepAnAdmin?: boolean;
}

/**
 * The users.
 *
 * Law: every method is one transaction and durable when it resolves. `usernameKey` is unique: of two
 * concurrent inserts with one key, one fails with USERNAME_TAKEN. A read returns what the latest resolved
 * write left, also when another process wrote it. Faults and time-outs of the driver are STORE_UNAVAILABLE
 * with `store: users`, within a second; nothing else of the driver leaves. After a STORE_UNAVAILABLE a write
 * may have happened, or happens if its commit was under way: callers repeat it or read again.
 */
export interface UserDirectory {
  insert(user: User): Promise<void>;
  /** Inserts only while there is no user at all; answers whether it did. Safe against other processes doing the same. */
  insertFirst(user: User): Promise<boolean>;
  findById(userId: string): Promise<User | undefined>;
  findByUsernameKey(usernameKey: string): Promise<User | undefined>;
  /** In the order of their ids, which is that of creation; `after` is a user id. */
  list(limit: number, after: string | undefined): Promise<UserPage>;
  /** The user after the change. Fails with USER_NOT_FOUND, USERNAME_TAKEN, USER_CHANGED, LAST_ADMIN. */
  update(userId: string, change: UserChange, now: number, conditions?: ChangeConditions): Promise<User>;
  /** Answers whether there was such a user. With `ifVersion` fails with USER_CHANGED if it is at another version. */
  delete(userId: string, ifVersion?: number): Promise<boolean>;
  /** Resolves if a query can be answered now. */
  ping(): Promise<void>;
}
