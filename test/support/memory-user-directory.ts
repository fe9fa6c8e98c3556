import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import type { User } from '../../src/core/user/user.ts';
import { ADMIN_ROLE } from '../../src/core/user/user.ts';
import type {
  ChangeConditions,
  UserChange,
  UserDirectory,
  UserPage,
} from '../../src/core/user/user-directory.ts';
import { lastAdmin, userChanged, userNotFound, usernameTaken } from '../../src/core/user/user-failures.ts';

/** Keeps users in memory. */
export class MemoryUserDirectory implements UserDirectory {
  /** The audit events of the changes. */
  readonly auditEvents: AuditEvent[] = [];
  readonly #users = new Map<string, User>();

  async insert(user: User, audit?: AuditEvent): Promise<void> {
    this.#checkUsernameFree(user);
    this.#users.set(user.userId, user);
    this.#record(audit);
  }

  async insertFirst(user: User, audit?: AuditEvent): Promise<boolean> {
    if (this.#users.size > 0) return false;
    this.#users.set(user.userId, user);
    this.#record(audit);
    return true;
  }

  async findById(userId: string): Promise<User | undefined> {
    return this.#users.get(userId);
  }

  async findByUsernameKey(usernameKey: string): Promise<User | undefined> {
    return [...this.#users.values()].find((user) => user.usernameKey === usernameKey);
  }

  async list(limit: number, after: string | undefined): Promise<UserPage> {
    const later = [...this.#users.values()]
      .filter(({ userId }) => after === undefined || userId > after)
      .sort((a, b) => (a.userId < b.userId ? -1 : 1));
    const users = later.slice(0, limit);
    return { users, next: later.length > limit ? users.at(-1)?.userId : undefined };
  }

  async update(
    userId: string,
    change: UserChange,
    now: number,
    { ifVersion, keepAnAdmin = false, audit }: ChangeConditions = {},
  ): Promise<User> {
    const before = this.#users.get(userId);
    if (before === undefined) throw userNotFound();
    if (ifVersion !== undefined && before.version !== ifVersion) throw userChanged(before.version);
    const after = changed(before, change, now);
    if (keepAnAdmin && isEnabledAdmin(before) && !isEnabledAdmin(after) && !this.#hasAnotherAdmin(userId)) {
      throw lastAdmin();
    }
    this.#checkUsernameFree(after);
    this.#users.set(userId, after);
    this.#record(audit);
    return after;
  }

  async delete(userId: string, { ifVersion, audit }: ChangeConditions = {}): Promise<boolean> {
    const user = this.#users.get(userId);
    if (user === undefined) return false;
    if (ifVersion !== undefined && user.version !== ifVersion) throw userChanged(user.version);
    this.#record(audit);
    return this.#users.delete(userId);
  }

  async ping(): Promise<void> {}

  #record(audit: AuditEvent | undefined): void {
    if (audit !== undefined) this.auditEvents.push(audit);
  }

  #checkUsernameFree({ userId, usernameKey }: User): void {
    for (const other of this.#users.values()) {
      if (other.usernameKey === usernameKey && other.userId !== userId) throw usernameTaken();
    }
  }

  #hasAnotherAdmin(userId: string): boolean {
    return [...this.#users.values()].some((user) => user.userId !== userId && isEnabledAdmin(user));
  }
}

function changed(user: User, given: UserChange, now: number): User {
  const { endsSessions = false, keptSessionId, disabledAt, devicePolicy, ...change } = given;
  return {
    ...user,
    ...change,
    devicePolicy: devicePolicy === undefined ? user.devicePolicy : (devicePolicy ?? undefined),
    disabledAt: disabledAt === undefined ? user.disabledAt : (disabledAt ?? undefined),
    updatedAt: now,
    version: user.version + 1,
    securityVersion: user.securityVersion + (endsSessions ? 1 : 0),
    keptSessionId: endsSessions ? keptSessionId : user.keptSessionId,
  };
}

function isEnabledAdmin({ roles, disabledAt }: User): boolean {
  return disabledAt === undefined && roles.includes(ADMIN_ROLE);
}
