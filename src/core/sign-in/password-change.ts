import type { Clock } from '../../validator/clock.ts';
import { auditEventOf } from '../audit/audit-event.ts';
import type { Actor, SecurityEvents } from '../audit/security-event.ts';
import { Failure, invalidField } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import { checkNewPassword, checkPasswordLength } from '../password/password-policy.ts';
import type { PasswordQueue, QueueCaller } from '../password/password-queue.ts';
import { normalizedPassword } from '../password/password-scheme.ts';
import type { Passwords } from '../password/passwords.ts';
import { passedDeadline } from '../session/rotation.ts';
import type { Session } from '../session/session.ts';
import type { LoggedEnds, SessionEnder } from '../session/session-ender.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { DeviceTokens } from './device-token.ts';
import type { Attempt } from './login-attempts.ts';
import { givingBack, type LoginThrottle } from './login-throttle.ts';

/** Aborting its signal cancels a password check that has not started. */
export interface PasswordChange {
  /** The holder of a valid access token. */
  readonly caller: Extract<Actor, { readonly kind: 'caller' }>;
  readonly currentPassword: string;
  readonly newPassword: string;
  /** As in `LoginAttempt`. */
  readonly deviceToken: string;
  readonly ipAddress: string;
  readonly network: string;
  readonly connection: string;
  readonly signal?: AbortSignal;
}

export interface PasswordChangesOptions {
  readonly users: Pick<UserDirectory, 'findById' | 'update'>;
  readonly passwords: Pick<Passwords, 'check' | 'hash'>;
  readonly queue: Pick<PasswordQueue, 'take'>;
  readonly throttle: Pick<LoginThrottle, 'reserve' | 'giveBack'>;
  readonly devices: Pick<DeviceTokens, 'deviceOf'>;
  readonly store: Pick<SessionStore, 'read' | 'ping'>;
  readonly ender: Pick<SessionEnder, 'endOutdated'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly events: Pick<SecurityEvents, 'publish'>;
}

/** The user whose password was checked. */
interface Checked {
  readonly user: User;
  readonly reserved: Attempt;
  /** An earlier call of this session stored the new password. */
  readonly isRepeat: boolean;
}

/** Maximum attempts if the user is changed concurrently. */
const CHANGE_ATTEMPTS = 3;

/**
 * Changes the password of a user who knows the current one.
 *
 * First the user record gets the new password, a higher `securityVersion` and the session to keep, in one write. From
 * then on every other session is outdated: it cannot be refreshed. Then the session store ends the outdated sessions,
 * and refuses sign-ins that read the record before. If that fails, repeat the call: the record says that this session
 * changed the password.
 */
export class PasswordChanges {
  readonly #options: PasswordChangesOptions;

  constructor(options: PasswordChangesOptions) {
    this.#options = options;
  }

  /**
   * Ends all sessions of the caller except the caller's own and those that were signed in with the new password.
   *
   * Fails with INVALID_CREDENTIALS if the current password is wrong. Fails with INVALID_FIELD, TOO_MANY_ATTEMPTS,
   * LOGIN_QUEUE_FULL, CANCELLED, USER_CHANGED, CALLER_UNAUTHENTICATED if the session has ended, STORE_UNAVAILABLE and
   * END_UNCONFIRMED. After the last two the password may have been changed.
   */
  async change(request: PasswordChange): Promise<LoggedEnds> {
    const { ender, events, clock } = this.#options;
    const { caller, ipAddress } = request;
    const { userId, sessionId, clientId } = caller;
    try {
      const { securityVersion } = await this.#changeUser(request);
      return await ender.endOutdated(userId, securityVersion, sessionId, 'PASSWORD_CHANGED', caller);
    } catch (error) {
      const reason = error instanceof Failure ? error.reason : 'INTERNAL';
      const origin = { ipAddress, clientId };
      events.publish({
        kind: 'PasswordChangeFailed',
        at: clock.now(),
        actor: caller,
        userId,
        sessionId,
        reason,
        origin,
      });
      throw error;
    }
  }

  /** Returns the user with the new password. Starts again if the user is changed concurrently. */
  async #changeUser(request: PasswordChange): Promise<User> {
    const { caller, currentPassword, newPassword, deviceToken } = request;
    const device = this.#options.devices.deviceOf(deviceToken);
    checkPasswordLength(newPassword, 'new_password');
    if (normalizedPassword(newPassword) === normalizedPassword(currentPassword)) {
      throw invalidField('new_password', 'must differ from the current password');
    }
    // The device of another user counts as unknown.
    const deviceId = device?.userId === caller.userId ? device.deviceId : undefined;
    for (let attempt = 1; ; attempt += 1) {
      const { user, reserved, isRepeat } = await this.#check(request, deviceId);
      if (isRepeat) return user;
      try {
        return await givingBack(this.#options.throttle, reserved, () => this.#store(user, request));
      } catch (error) {
        const isChanged = error instanceof Failure && error.reason === 'USER_CHANGED';
        if (!isChanged || attempt === CHANGE_ATTEMPTS) throw error;
      }
    }
  }

  /** Counts the attempt when its turn comes, right before the password is checked; as a sign-in does. */
  async #check(request: PasswordChange, deviceId: string | undefined): Promise<Checked> {
    const { queue, store, throttle, users } = this.#options;
    const { caller, network, currentPassword, newPassword } = request;
    const { userId, sessionId } = caller;
    const place = queue.take(callerOf(request));
    try {
      // Fails at once if the store is unavailable.
      await store.ping(userId);
      await place.turn;
      const user = await this.#currentUser(caller);
      const reserved = await throttle.reserve(userId, network, deviceId);
      if (await this.#matches(currentPassword, user, caller)) return { user, reserved, isRepeat: false };
      // Both passwords count as one attempt: the delay after a first one would always refuse a second.
      if (user.keptSessionId === sessionId && (await this.#matches(newPassword, user, caller))) {
        await throttle.giveBack(reserved);
        return { user, reserved, isRepeat: true };
      }
      // A right password needs these stores. If one is unavailable, right and wrong passwords get the same answer.
      await users.findById(userId);
      await store.ping(userId);
      throw new Failure('INVALID_CREDENTIALS', 'The current password is wrong.');
    } finally {
      place.leave();
    }
  }

  async #matches(password: string, { userId, passwordHash }: User, actor: Actor): Promise<boolean> {
    const { passwords, events, clock } = this.#options;
    const { ok, readable } = await passwords.check(password, passwordHash);
    if (!readable) events.publish({ kind: 'PasswordUnreadable', at: clock.now(), actor, userId });
    return ok;
  }

  /** The user of the caller's session. Reads the session too: a Redis backup may have restored it after its end. */
  async #currentUser({ userId, sessionId }: PasswordChange['caller']): Promise<User> {
    const { users, store, clock } = this.#options;
    const now = clock.now();
    const [user, found] = await Promise.all([users.findById(userId), store.read(userId, sessionId, now)]);
    const isLive = found.kind === 'live' && passedDeadline(found.session, now) === undefined;
    if (user === undefined || user.disabledAt !== undefined || !isLive || isOutdated(found.session, user)) {
      throw new Failure('CALLER_UNAUTHENTICATED', 'The session of the caller has ended; sign in again.');
    }
    return user;
  }

  /** Checks only here whether the new password is easy to guess. That is costly, and this caller knows the current one. */
  async #store(user: User, request: PasswordChange): Promise<User> {
    const { passwords, users, clock, ids, events } = this.#options;
    const { caller, newPassword } = request;
    const { userId, sessionId } = caller;
    checkNewPassword(newPassword, 'new_password', [user.username]);
    const passwordHash = await passwords.hash(newPassword, callerOf(request));
    const now = clock.now();
    const change = { passwordHash, passwordChangedAt: now, endsSessions: true, keptSessionId: sessionId };
    const event = {
      kind: 'UserChanged',
      at: now,
      actor: caller,
      userId,
      change: 'PASSWORD_CHANGED',
    } as const;
    const audit = auditEventOf(event, ids.next(now));
    const changed = await users.update(userId, change, now, { ifVersion: user.version, audit });
    events.publish(event);
    return changed;
  }
}

/** Users with a session have turns of their own, like known devices. So a flood of logins does not keep them out. */
function callerOf({ caller, connection, signal }: PasswordChange): QueueCaller {
  return {
    source: { purpose: 'known-device', address: caller.userId, connection },
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Whether a change of the user has ended the session. */
function isOutdated({ sessionId, securityVersion }: Session, user: User): boolean {
  return securityVersion < user.securityVersion && sessionId !== user.keptSessionId;
}
