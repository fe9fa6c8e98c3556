import type { Clock } from '../../validator/clock.ts';
import type { Actor, EventOrigin, SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { Device } from '../session/session.ts';
import type { OpenedSession, SessionService } from '../session/session-service.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import { canonicalUsername, MAX_USERNAME_BYTES } from '../user/username.ts';
import type { PasswordQueue, QueueCaller } from './password-queue.ts';
import type { Passwords } from './passwords.ts';

/** Aborting its signal gives up a password check that has not begun. */
export interface LoginAttempt extends QueueCaller {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly device: Device;
  /** Where the call came from; empty: not known. */
  readonly ipAddress: string;
}

export type LoginResult = OpenedSession;

export interface LoginServiceOptions {
  readonly users: Pick<UserDirectory, 'findByUsernameKey' | 'update'>;
  readonly passwords: Passwords;
  readonly queue: Pick<PasswordQueue, 'take'>;
  readonly sessions: Pick<SessionService, 'open' | 'refuse' | 'checkStore'>;
  readonly clock: Clock;
  readonly events: SecurityEvents;
}

/** The user that an attempt was about, as soon as it is known. */
interface Found {
  userId: string | undefined;
}

const ACTOR: Actor = { kind: 'credentials' };

/** RFC 8176: a password. */
const PASSWORD_METHOD = 'pwd';

/** Signs people in with username and password. */
export class LoginService {
  readonly #options: LoginServiceOptions;

  constructor(options: LoginServiceOptions) {
    this.#options = options;
  }

  /**
   * Opens a session. Fails with INVALID_CREDENTIALS, the same and after the same work for an unknown or disabled
   * user and a wrong, empty or over-long password; with LOGIN_QUEUE_FULL, CANCELLED, and STORE_UNAVAILABLE, which
   * comes before the password is looked at or, where a store goes away during that, whatever the password was.
   */
  async login(attempt: LoginAttempt): Promise<LoginResult> {
    const found: Found = { userId: undefined };
    try {
      return await this.#login(attempt, found);
    } catch (error) {
      const { events, clock } = this.#options;
      const reason = error instanceof Failure ? error.reason : 'INTERNAL';
      const origin: EventOrigin = { ipAddress: attempt.ipAddress, clientId: attempt.clientId };
      events.publish({ kind: 'SignInFailed', at: clock.now(), actor: ACTOR, reason, ...found, origin });
      throw error;
    }
  }

  async #login(attempt: LoginAttempt, found: Found): Promise<LoginResult> {
    const { sessions } = this.#options;
    const { clientId, device, ipAddress } = attempt;
    const { user, userId, ok, upgrade } = await this.#check(attempt);
    found.userId = user?.userId;
    if (user === undefined || !ok || user.disabledAt !== undefined) return sessions.refuse(userId);
    // With the record whose password was checked, never a later one: whatever ended the user's sessions since then
    // carries a higher securityVersion, and the session store refuses this one.
    const authenticationMethods = [PASSWORD_METHOD];
    const opened = await sessions.open(user, { clientId, device, ipAddress, authenticationMethods });
    if (upgrade) await this.#upgrade(user, attempt);
    return opened;
  }

  /** Takes the place in the queue first: a full queue refuses before the user is read, so timing reveals no user. */
  async #check(attempt: LoginAttempt) {
    const { passwords, queue, sessions, events, clock } = this.#options;
    const place = queue.take(attempt);
    try {
      const key = usernameKeyOf(attempt.username);
      const user = await this.#find(key);
      const userId = user?.userId ?? passwords.decoyUserId(key);
      // Told at once, and again where the store went away while this one waited.
      await sessions.checkStore(userId);
      await place.turn;
      await sessions.checkStore(userId);
      const { ok, upgrade, readable } = await passwords.check(attempt.password, user?.passwordHash);
      if (user !== undefined && !readable) {
        const { userId } = user;
        events.publish({ kind: 'PasswordUnreadable', at: clock.now(), actor: ACTOR, userId });
      }
      return { user, userId, ok, upgrade };
    } finally {
      place.leave();
    }
  }

  async #find(usernameKey: string): Promise<User | undefined> {
    return usernameKey === '' ? undefined : this.#options.users.findByUsernameKey(usernameKey);
  }

  /** Stores the password as it would be stored today, unless the record was changed since it was read. */
  async #upgrade(user: User, attempt: LoginAttempt): Promise<void> {
    const { users, passwords, clock, events } = this.#options;
    try {
      const passwordHash = await passwords.hash(attempt.password, attempt);
      await users.update(user.userId, { passwordHash }, clock.now(), { ifVersion: user.version });
    } catch (error) {
      if (isExpected(error)) return;
      const { userId } = user;
      events.publish({ kind: 'PasswordRehashFailed', at: clock.now(), actor: ACTOR, userId, cause: error });
    }
  }
}

/** What the user is found by; empty for a name that nobody can have. */
function usernameKeyOf(username: string): string {
  const tooLong = username.length > MAX_USERNAME_BYTES || Buffer.byteLength(username) > MAX_USERNAME_BYTES;
  return tooLong || !username.isWellFormed() ? '' : canonicalUsername(username);
}

/**
 * Somebody else changed or deleted the user, the caller left, or there is better to do under load: the next login
 * will do it.
 */
function isExpected(error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  const { reason } = error;
  return (
    reason === 'USER_CHANGED' ||
    reason === 'USER_NOT_FOUND' ||
    reason === 'CANCELLED' ||
    reason === 'LOGIN_QUEUE_FULL' ||
    reason === 'DRAINING'
  );
}
