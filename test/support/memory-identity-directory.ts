import type { AuditEvent } from '../../src/core/audit/audit-event.ts';
import { NO_PASSWORD } from '../../src/core/password/password-scheme.ts';
import {
  type Identity,
  type IdentityDirectory,
  type IdentityKey,
  identityTaken,
  type LinkOutcome,
  lastSignInMethod,
  type UnlinkConditions,
} from '../../src/core/user/identity-directory.ts';
import type { User } from '../../src/core/user/user.ts';
import type { UserDirectory } from '../../src/core/user/user-directory.ts';
import { userNotFound } from '../../src/core/user/user-failures.ts';

/** Keeps identities in memory. */
export class MemoryIdentityDirectory implements IdentityDirectory {
  /** The audit events of the changes. */
  readonly auditEvents: AuditEvent[] = [];
  readonly #users: Pick<UserDirectory, 'findById' | 'insert'>;
  readonly #identities = new Map<string, Identity>();

  constructor(users: Pick<UserDirectory, 'findById' | 'insert'>) {
    this.#users = users;
  }

  async find(key: IdentityKey): Promise<Identity | undefined> {
    const found = this.#identities.get(textOf(key));
    if (found === undefined || (await this.#users.findById(found.userId)) !== undefined) return found;
    this.#identities.delete(textOf(key));
    return undefined;
  }

  async listOf(userId: string): Promise<readonly Identity[]> {
    if ((await this.#users.findById(userId)) === undefined) return [];
    return [...this.#identities.values()]
      .filter((identity) => identity.userId === userId)
      .sort((a, b) => a.linkedAt - b.linkedAt);
  }

  async link(identity: Identity, audit: AuditEvent): Promise<LinkOutcome> {
    if ((await this.#users.findById(identity.userId)) === undefined) throw userNotFound();
    await this.find(identity);
    const existing = this.#identities.get(textOf(identity));
    if (existing !== undefined && existing.userId !== identity.userId) throw identityTaken();
    if (existing !== undefined) return { identity: existing, isNew: false };
    this.#identities.set(textOf(identity), identity);
    this.auditEvents.push(audit);
    return { identity, isNew: true };
  }

  async insertUser(user: User, identity: Identity, audit: readonly AuditEvent[]): Promise<void> {
    await this.#users.insert(user);
    this.#identities.set(textOf(identity), identity);
    this.auditEvents.push(...audit);
  }

  async recordSignIn(key: IdentityKey, lastUsedAt: number, displayName: string): Promise<void> {
    const found = this.#identities.get(textOf(key));
    if (found === undefined) return;
    const name = displayName === '' ? found.displayName : displayName;
    this.#identities.set(textOf(key), { ...found, lastUsedAt, displayName: name });
  }

  async unlink(userId: string, key: IdentityKey, { keepOne, audit }: UnlinkConditions): Promise<boolean> {
    const user = await this.#users.findById(userId);
    if (this.#identities.get(textOf(key))?.userId !== userId) return false;
    const own = [...this.#identities.values()].filter((identity) => identity.userId === userId);
    if (keepOne && own.length === 1 && user?.passwordHash === NO_PASSWORD) throw lastSignInMethod();
    this.#identities.delete(textOf(key));
    this.auditEvents.push(audit);
    return true;
  }
}

function textOf({ provider, subject }: IdentityKey): string {
  return `${provider} ${subject}`;
}
