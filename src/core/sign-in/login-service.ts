import type { Clock } from '../../validator/clock.ts';
import type { Actor, SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { PasswordQueue, QueueCaller } from '../password/password-queue.ts';
import type { Passwords } from '../password/passwords.ts';
import type { RiskAssessor } from '../risk/risk-assessor.ts';
import type { Device, Labels } from '../session/session.ts';
import type { OpenedSession, SessionLimitReached, SessionOpener } from '../session/session-opener.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import { canonicalUsername, MAX_USERNAME_BYTES } from '../user/username.ts';
import type { DeviceTokens, KnownDevice } from './device-token.ts';
import { givingBack, type LoginThrottle } from './login-throttle.ts';

/** Aborting its signal cancels a password check that has not started. */
export interface LoginAttempt extends QueueCaller {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly device: Device;
  /** The client's IP address; empty: unknown. */
  readonly ipAddress: string;
  /** The network that failed attempts are counted at. Empty: unknown, or shared by many people. */
  readonly network: string;
  /** A token of an earlier `LoginResult`. Empty: none. */
  readonly deviceToken: string;
  readonly labels: Labels;
  /** The session that the user chose to end at the session limit; empty: none. */
  readonly endSessionId: string;
}

export interface SignedInResult extends OpenedSession {
  /** For the next sign-in on this device. */
  readonly deviceToken: string;
}

export type LoginResult = SignedInResult | SessionLimitReached;

export interface LoginServiceOptions {
  readonly users: Pick<UserDirectory, 'findByUsernameKey' | 'update'>;
  readonly passwords: Passwords;
  readonly queue: Pick<PasswordQueue, 'take'>;
  readonly throttle: Pick<LoginThrottle, 'reserve' | 'giveBack'>;
  readonly devices: Pick<DeviceTokens, 'deviceOf' | 'tokenFor'>;
  readonly risk: Pick<RiskAssessor, 'signIn' | 'signedIn'>;
  readonly sessions: Pick<SessionOpener, 'tryOpen' | 'refuse' | 'checkStore'>;
  readonly clock: Clock;
  readonly events: Pick<SecurityEvents, 'publish'>;
}

/** The user of an attempt, once it is known. */
interface Found {
  userId: string | undefined;
}

const ACTOR: Actor = { kind: 'credentials' };

/** RFC 8176: a password. */
const PASSWORD_METHOD = 'pwd';

/** Signs in users with username and password. */
export class LoginService {
  readonly #options: LoginServiceOptions;

  constructor(options: LoginServiceOptions) {
    this.#options = options;
  }

  /**
   * Opens a session, or returns that the user is at the session limit. That is not a failed attempt.
   *
   * Fails with INVALID_CREDENTIALS for an unknown or disabled user and for a wrong, empty or over-long password. All
   * these cases do the same work. Fails with SIGN_IN_RISK if a risk rule refuses the right password.
   * Also fails with INVALID_FIELD for a device token that this service did not issue, LOGIN_QUEUE_FULL,
   * TOO_MANY_ATTEMPTS, CANCELLED and STORE_UNAVAILABLE. These come before the password check. If a store fails during
   * the check, STORE_UNAVAILABLE comes for right and wrong passwords alike.
   */
  async login(attempt: LoginAttempt): Promise<LoginResult> {
    const found: Found = { userId: undefined };
    try {
      return await this.#login(attempt, found);
    } catch (error) {
      const { events, clock } = this.#options;
      const { ipAddress, clientId } = attempt;
      const { userId } = found;
      const reason = error instanceof Failure ? error.reason : 'INTERNAL';
      const facts = { at: clock.now(), actor: ACTOR, origin: { ipAddress, clientId } };
      if (reason === 'SIGN_IN_RISK' && userId !== undefined) {
        events.publish({ kind: 'SignInRefused', ...facts, userId, reason });
      } else {
        events.publish({ kind: 'SignInFailed', ...facts, userId, reason });
      }
      throw error;
    }
  }

  async #login(attempt: LoginAttempt, found: Found): Promise<LoginResult> {
    const { sessions, devices, throttle, risk } = this.#options;
    const presented = devices.deviceOf(attempt.deviceToken);
    const { user, userId, known, reserved, ok, upgrade } = await this.#check(attempt, presented, found);
    if (user === undefined || !ok || user.disabledAt !== undefined) return sessions.refuse(userId);
    const { assessment, opening } = await givingBack(throttle, reserved, () =>
      this.#tryOpen(user, attempt, known !== undefined),
    );
    // Other logins of the user may take long to make room. This one no longer counts as failed meanwhile.
    const outcome = opening.kind === 'room-needed' ? await opening.makeRoom() : opening;
    if (outcome.kind === 'opened') risk.signedIn(assessment, outcome.session, ACTOR);
    if (upgrade) await this.#upgrade(user, attempt);
    return outcome.kind === 'opened'
      ? { ...outcome, deviceToken: devices.tokenFor(user.userId, known) }
      : outcome;
  }

  /**
   * Passes the record whose password was checked, never a newer one. If the user's sessions ended since then, the store
   * rejects its lower securityVersion.
   */
  async #tryOpen(user: User, attempt: LoginAttempt, isKnownDevice: boolean) {
    const { risk, sessions } = this.#options;
    const { clientId, device, ipAddress, labels, endSessionId } = attempt;
    const assessment = await risk.signIn(user, { clientId, device, ipAddress, isKnownDevice });
    const { isNewDevice, lifetimeMs } = assessment;
    const facts = { clientId, device, ipAddress, labels, isNewDevice, lifetimeMs };
    const signIn = { ...facts, authenticationMethods: [PASSWORD_METHOD] };
    return { assessment, opening: await sessions.tryOpen(user, signIn, endSessionId) };
  }

  /**
   * Takes the place in the queue before the user is read. So LOGIN_QUEUE_FULL and its timing reveal nothing about the
   * user. Counts the attempt when its turn comes, right before the password is checked.
   */
  async #check(attempt: LoginAttempt, presented: KnownDevice | undefined, found: Found) {
    const { passwords, queue, sessions, throttle, events, clock } = this.#options;
    const place = queue.take(callerOf(attempt, presented));
    try {
      const key = usernameKeyOf(attempt.username);
      const user = await this.#find(key);
      found.userId = user?.userId;
      const userId = user?.userId ?? passwords.dummyUserId(key);
      // Fails at once if the store is unavailable. Checked again after the wait.
      await sessions.checkStore(userId);
      await place.turn;
      await sessions.checkStore(userId);
      // The device of another user counts as unknown.
      const known = presented?.userId === userId ? presented : undefined;
      const reserved = await throttle.reserve(userId, attempt.network, known?.deviceId);
      const { ok, upgrade, readable } = await passwords.check(attempt.password, user?.passwordHash);
      if (user !== undefined && !readable) {
        const { userId } = user;
        events.publish({ kind: 'PasswordUnreadable', at: clock.now(), actor: ACTOR, userId });
      }
      return { user, userId, known, reserved, ok, upgrade };
    } finally {
      place.leave();
    }
  }

  async #find(usernameKey: string): Promise<User | undefined> {
    return usernameKey === '' ? undefined : this.#options.users.findByUsernameKey(usernameKey);
  }

  /** Rehashes the password in the current stored form, unless the record was changed after it was read. */
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

/**
 * Known devices have turns of their own in the queue, by user. So a flood of logins from many addresses does not keep
 * them out, and one user's token cannot flood their turns.
 */
function callerOf({ source, signal }: LoginAttempt, device: KnownDevice | undefined): QueueCaller {
  const { connection } = source;
  return {
    source: device === undefined ? source : { purpose: 'known-device', address: device.userId, connection },
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The lookup key of a username; empty if no user can have the name. */
function usernameKeyOf(username: string): string {
  const tooLong = username.length > MAX_USERNAME_BYTES || Buffer.byteLength(username) > MAX_USERNAME_BYTES;
  return tooLong || !username.isWellFormed() ? '' : canonicalUsername(username);
}

/** The user was changed or deleted, the caller cancelled, or the server is under load. The next login rehashes. */
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
