import type { Clock } from '../../validator/clock.ts';
import { type AuditEvent, auditEventOf } from '../audit/audit-event.ts';
import {
  type Actor,
  type SecurityEvent,
  type SecurityEvents,
  storeAndPublish,
  type UserChangeKind,
} from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import { FieldIssues } from '../field-issues.ts';
import type { IdSource } from '../ids.ts';
import { checkNewPassword, strongPassword } from '../password/password-policy.ts';
import type { QueueCaller } from '../password/password-queue.ts';
import type { Passwords } from '../password/passwords.ts';
import type { SessionEnder } from '../session/session-ender.ts';
import type { LoginAttempts } from '../sign-in/login-attempts.ts';
import { checkDevicePolicy } from '../user/device-policy.ts';
import { newUser } from '../user/new-user.ts';
import { checkRoles, distinctRoles } from '../user/roles.ts';
import { ADMIN_ROLE, type User } from '../user/user.ts';
import type { UserChange, UserDirectory, UserPage } from '../user/user-directory.ts';
import { userNotFound } from '../user/user-failures.ts';
import { canonicalUsername, checkNewUsername } from '../user/username.ts';

export interface UserServiceOptions {
  readonly directory: UserDirectory;
  readonly passwords: Pick<Passwords, 'hash' | 'importHash'>;
  readonly sessions: Pick<SessionEnder, 'endUser'>;
  readonly attempts: Pick<LoginAttempts, 'lift'>;
  readonly events: SecurityEvents;
  readonly clock: Clock;
  readonly ids: IdSource;
}

export type NewUser = { readonly username: string; readonly roles: readonly string[] } & (
  | { readonly password: string }
  /** A bcrypt hash from another system. */
  | { readonly passwordHash: string }
);

type UserChanged = Extract<SecurityEvent, { readonly kind: 'UserChanged' }>;

export type UserKey = { readonly userId: string } | { readonly username: string };

/** The user after a change, and the revision of the end of their sessions. */
export interface ChangedUser {
  readonly user: User;
  readonly revision: string;
}

/** Maximum attempts of a deletion if the user is changed concurrently. */
const DELETE_ATTEMPTS = 3;

/**
 * Administers users.
 *
 * A change that ends sessions first writes the user with a higher `securityVersion`, then ends the sessions. From then
 * on, a sign-in that read the old record is rejected. If ending the sessions fails, repeat the call. Every such method
 * ends the sessions again, even if the record is already as requested.
 *
 * The audit event of a change is stored in the transaction that changes the record.
 */
export class UserService {
  readonly #options: UserServiceOptions;

  constructor(options: UserServiceOptions) {
    this.#options = options;
  }

  /** Fails with INVALID_FIELD, USERNAME_TAKEN, LOGIN_QUEUE_FULL. */
  async create(user: NewUser, actor: Actor, caller?: QueueCaller): Promise<User> {
    const { passwords, directory } = this.#options;
    const issues = new FieldIssues();
    issues.rule(() => checkNewUsername(user.username, 'username'));
    issues.rule(() => checkRoles(user.roles, 'roles'));
    issues.rule(() => {
      if ('password' in user) checkNewPassword(user.password, 'password', [user.username]);
      else passwords.importHash(user.passwordHash);
    });
    issues.throwIfAny();
    const stored =
      'password' in user
        ? await passwords.hash(user.password, caller)
        : passwords.importHash(user.passwordHash);
    const created = this.#newUser(user.username, user.roles, stored);
    await this.#withEvent(created.userId, 'CREATED', actor, (audit) => directory.insert(created, audit));
    return created;
  }

  /**
   * Creates the first user, with the role `admin`. Returns undefined if there is a user already. Of several processes
   * that start together, one creates it. Without a password it generates one: `generatedPassword`, to show once.
   */
  async bootstrap(first: {
    readonly username: string;
    readonly password?: string | undefined;
  }): Promise<{ readonly user: User; readonly generatedPassword: string | undefined } | undefined> {
    const { passwords, directory } = this.#options;
    if ((await directory.list(1, undefined)).users.length > 0) return undefined;
    const password = first.password ?? strongPassword();
    const issues = new FieldIssues();
    issues.rule(() => checkNewUsername(first.username, 'username'));
    issues.rule(() => checkNewPassword(password, 'password', [first.username]));
    issues.throwIfAny();
    const user = this.#newUser(first.username, [ADMIN_ROLE], await passwords.hash(password));
    const event = this.#changeEvent(user.userId, 'CREATED', { kind: 'service' });
    if (!(await this.#insertFirst(user, this.#auditEvent(event)))) return undefined;
    this.#options.events.publish(event);
    return { user, generatedPassword: first.password === undefined ? password : undefined };
  }

  /** Fails with USER_NOT_FOUND. */
  async get(key: UserKey): Promise<User> {
    const { directory } = this.#options;
    const user =
      'userId' in key
        ? await directory.findById(key.userId)
        : await directory.findByUsernameKey(canonicalUsername(key.username));
    if (user === undefined) throw userNotFound();
    return user;
  }

  /** In the order of creation; `after` is the id of the last user of the previous page. */
  list(limit: number, after?: string): Promise<UserPage> {
    return this.#options.directory.list(limit, after);
  }

  /** Fails with INVALID_FIELD, USER_NOT_FOUND, USERNAME_TAKEN, USER_CHANGED, LAST_ADMIN. */
  async update(
    userId: string,
    change: Pick<UserChange, 'username' | 'roles' | 'devicePolicy'>,
    actor: Actor,
    ifVersion?: number,
  ): Promise<User> {
    const { username, roles, devicePolicy } = change;
    const issues = new FieldIssues();
    if (username !== undefined) issues.rule(() => checkNewUsername(username, 'username'));
    if (roles !== undefined) issues.rule(() => checkRoles(roles, 'roles'));
    if (devicePolicy) issues.rule(() => checkDevicePolicy(devicePolicy, 'device_policy'));
    issues.throwIfAny();
    const changes = {
      ...(username === undefined ? {} : { username, usernameKey: canonicalUsername(username) }),
      ...(roles === undefined ? {} : { roles: distinctRoles(roles) }),
      ...(devicePolicy === undefined ? {} : { devicePolicy }),
    };
    return this.#change(userId, changes, 'UPDATED', actor, ifVersion);
  }

  /** Fails with INVALID_FIELD, USER_NOT_FOUND, LOGIN_QUEUE_FULL, END_UNCONFIRMED. */
  async setPassword(
    userId: string,
    password: string,
    actor: Actor,
    caller?: QueueCaller,
  ): Promise<ChangedUser> {
    const { username } = await this.get({ userId });
    checkNewPassword(password, 'password', [username]);
    const passwordHash = await this.#options.passwords.hash(password, caller);
    const passwordChangedAt = this.#options.clock.now();
    const change = { passwordHash, passwordChangedAt, endsSessions: true };
    const user = await this.#change(userId, change, 'PASSWORD_SET', actor);
    return { user, revision: await this.#endSessions(user, 'PASSWORD_CHANGED', actor) };
  }

  /** Fails with USER_NOT_FOUND, LAST_ADMIN, END_UNCONFIRMED. */
  async disable(userId: string, actor: Actor): Promise<ChangedUser> {
    const user = await this.#disableRecord(userId, actor);
    return { user, revision: await this.#endSessions(user, 'USER_DISABLED', actor) };
  }

  /** Fails with USER_NOT_FOUND. */
  async enable(userId: string, actor: Actor): Promise<User> {
    const user = await this.get({ userId });
    if (user.disabledAt === undefined) return user;
    return this.#change(userId, { disabledAt: null }, 'ENABLED', actor);
  }

  /** Forgets the failed sign-ins at the account. Fails with USER_NOT_FOUND. */
  async liftLoginLimits(userId: string, actor: Actor): Promise<User> {
    const user = await this.get({ userId });
    await this.#options.attempts.lift(userId);
    await storeAndPublish(this.#options.events, this.#changeEvent(userId, 'LOGIN_LIMITS_LIFTED', actor));
    return user;
  }

  /**
   * Disables the user, ends the sessions, then deletes the record. So the call can be repeated until the end is
   * confirmed. Deletes the record only at the version that was disabled, because an enabled user could have signed in
   * again.
   *
   * Fails with USER_NOT_FOUND, LAST_ADMIN, USER_CHANGED, END_UNCONFIRMED.
   */
  async delete(userId: string, actor: Actor): Promise<{ readonly revision: string }> {
    for (let attempt = 1; ; attempt += 1) {
      const user = await this.#disableRecord(userId, actor);
      const revision = await this.#endSessions(user, 'USER_DELETED', actor);
      try {
        await this.#withEvent(userId, 'DELETED', actor, (audit) =>
          this.#options.directory.delete(userId, { ifVersion: user.version, audit }),
        );
        return { revision };
      } catch (error) {
        const changed = error instanceof Failure && error.reason === 'USER_CHANGED';
        if (!changed || attempt === DELETE_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * Retries an insert without a response: the user may be stored, and only this process has the generated password. The
   * second insert waits for the transaction of the first, and then finds the user.
   */
  async #insertFirst(user: User, audit: AuditEvent): Promise<boolean> {
    const { directory } = this.#options;
    try {
      return await directory.insertFirst(user, audit);
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'STORE_UNAVAILABLE') throw error;
      return (
        (await directory.insertFirst(user, audit)) || (await directory.findById(user.userId)) !== undefined
      );
    }
  }

  async #disableRecord(userId: string, actor: Actor): Promise<User> {
    const { disabledAt } = await this.get({ userId });
    const change = { disabledAt: disabledAt ?? this.#options.clock.now(), endsSessions: true };
    return this.#change(userId, change, 'DISABLED', actor);
  }

  #change(
    userId: string,
    change: UserChange,
    kind: UserChangeKind,
    actor: Actor,
    ifVersion?: number,
  ): Promise<User> {
    const { directory, clock } = this.#options;
    const keepAnAdmin = change.roles !== undefined || typeof change.disabledAt === 'number';
    const conditions = { keepAnAdmin, ...(ifVersion === undefined ? {} : { ifVersion }) };
    return this.#withEvent(userId, kind, actor, (audit) =>
      directory.update(userId, change, clock.now(), { ...conditions, audit }),
    );
  }

  async #endSessions(
    user: User,
    reason: 'PASSWORD_CHANGED' | 'USER_DISABLED' | 'USER_DELETED',
    actor: Actor,
  ): Promise<string> {
    const { userId, securityVersion } = user;
    const { revision } = await this.#options.sessions.endUser(userId, securityVersion, reason, actor);
    return revision;
  }

  /** Makes a change and stores its audit event in the same transaction. Then publishes the event. */
  async #withEvent<Result>(
    userId: string,
    kind: UserChangeKind,
    actor: Actor,
    change: (audit: AuditEvent) => Promise<Result>,
  ): Promise<Result> {
    const event = this.#changeEvent(userId, kind, actor);
    const result = await change(this.#auditEvent(event));
    this.#options.events.publish(event);
    return result;
  }

  #changeEvent(userId: string, change: UserChangeKind, actor: Actor): UserChanged {
    return { kind: 'UserChanged', at: this.#options.clock.now(), actor, userId, change };
  }

  #auditEvent(event: UserChanged): AuditEvent {
    return auditEventOf(event, this.#options.ids.next(event.at));
  }

  #newUser(username: string, roles: readonly string[], passwordHash: string): User {
    const now = this.#options.clock.now();
    return newUser({ userId: this.#options.ids.next(now), username, passwordHash, roles, now });
  }
}
