import type { Clock } from '../../validator/clock.ts';
import type { SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { RiskAssessor } from '../risk/risk-assessor.ts';
import type { Device, Labels, Session } from '../session/session.ts';
import { type SessionOpener, type SignInProof, signedIn } from '../session/session-opener.ts';
import type { ReadOutcome, SessionStore } from '../session/session-store.ts';
import type { SessionTokens } from '../session/session-tokens.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { DeviceTokens } from './device-token.ts';
import type { LoginResult } from './login-service.ts';

export interface ReservedSessionsOptions {
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly store: Pick<SessionStore, 'read'>;
  readonly opener: Pick<SessionOpener, 'open'>;
  readonly tokens: Pick<SessionTokens, 'issue'>;
  readonly devices: Pick<DeviceTokens, 'deviceOf' | 'tokenFor'>;
  readonly risk: Pick<RiskAssessor, 'signIn' | 'signedIn'>;
  readonly events: Pick<SecurityEvents, 'store' | 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  /** How long a repeated call gets the tokens of the same session, once it is open; milliseconds. */
  readonly graceMs: number;
}

/** What the new session gets. */
export interface SessionRequest {
  readonly clientId: string;
  readonly device: Device;
  /** Empty: unknown. */
  readonly ipAddress: string;
  readonly labels: Labels;
  /** A token of an earlier sign-in. Empty: none. */
  readonly deviceToken: string;
  /** The session that the user chose to end at the session limit; empty: none. */
  readonly endSessionId: string;
}

/** A session whose id was stored, by one atomic step of a ticket or a flow, before it is opened. */
export interface ReservedSession extends SignInProof {
  readonly sessionId: string;
  /** When the id was stored; milliseconds since 1970. */
  readonly reservedAt: number;
  readonly authenticationMethods: readonly string[];
}

export type RepeatOutcome =
  | LoginResult
  /** Another call may be opening the session now. */
  | { readonly kind: 'opening' }
  /** The session has ended, its user is disabled, or the call comes too late. */
  | { readonly kind: 'over' };

/** Longer than it takes to open a session; milliseconds. A call that finds no session after this opens it itself. */
export const OPENING_MS = 5_000;

/**
 * Opens sessions whose ids are chosen before. The session store creates an id only once. So however often and wherever a
 * call is repeated, there is one session at most.
 */
export class ReservedSessions {
  readonly #options: ReservedSessionsOptions;

  constructor(options: ReservedSessionsOptions) {
    this.#options = options;
  }

  /**
   * Opens the session.
   *
   * Fails with INVALID_CREDENTIALS if the user was disabled, or all sessions of the user ended, after the id was chosen.
   * The id carries its time, and the store creates no session from before such an end. Also fails with SIGN_IN_RISK,
   * END_UNCONFIRMED and STORE_UNAVAILABLE.
   */
  async open(user: User, reserved: ReservedSession, request: SessionRequest): Promise<LoginResult> {
    const { opener, devices, risk } = this.#options;
    const { clientId, device, ipAddress, labels, deviceToken, endSessionId } = request;
    const { userId } = user;
    const known = this.#knownDevice(deviceToken, userId);
    try {
      const isKnownDevice = known !== undefined;
      const assessment = await risk.signIn(user, { clientId, device, ipAddress, isKnownDevice });
      const { isNewDevice, lifetimeMs } = assessment;
      const { authenticationMethods } = reserved;
      const facts = { clientId, device, ipAddress, labels, authenticationMethods };
      const signIn = { ...facts, isNewDevice, lifetimeMs };
      const outcome = await opener.open(user, signIn, endSessionId, reserved);
      if (outcome.kind !== 'opened') return outcome;
      risk.signedIn(assessment, outcome.session, reserved.actor);
      return { ...outcome, deviceToken: devices.tokenFor(userId, known) };
    } catch (error) {
      const isRisk = error instanceof Failure && error.reason === 'SIGN_IN_RISK';
      if (isRisk) this.#reportRefused(userId, reserved, request);
      throw error;
    }
  }

  /**
   * Answers a call that is not the first: returns the tokens of the session, or opens it if the first call did not.
   *
   * @param open opens the session by `open`, after the checks of the caller.
   */
  async repeat(
    userId: string,
    reserved: ReservedSession,
    request: SessionRequest,
    open: () => Promise<LoginResult>,
  ): Promise<RepeatOutcome> {
    const { clock, graceMs } = this.#options;
    const now = clock.now();
    const found = await this.#read(userId, reserved);
    if (found.kind === 'live' && now - openedAt(found.session, reserved) <= graceMs)
      return this.#tokensAgain(found.session, reserved, request);
    if (found.kind !== 'missing') return { kind: 'over' };
    // Whoever names a session to end has an answer already. Otherwise another call may be opening the session now.
    if (request.endSessionId === '' && now - reserved.reservedAt < OPENING_MS) return { kind: 'opening' };
    try {
      return await open();
    } catch (error) {
      // Another call may have opened it at the same time.
      const opened = await this.#read(userId, reserved);
      if (opened.kind !== 'live') throw error;
      return this.#tokensAgain(opened.session, reserved, request);
    }
  }

  #read(userId: string, { sessionId }: ReservedSession): Promise<ReadOutcome> {
    const { store, clock } = this.#options;
    return store.read(userId, sessionId, clock.now());
  }

  async #tokensAgain(
    session: Session,
    reserved: ReservedSession,
    { deviceToken }: SessionRequest,
  ): Promise<RepeatOutcome> {
    const { users, tokens, devices, events, clock } = this.#options;
    const { userId } = session;
    const user = await users.findById(userId);
    if (user === undefined || user.disabledAt !== undefined) return { kind: 'over' };
    const issued = await tokens.issue(session, user.roles, clock.now());
    // The first call may have died before it did this. The event has the same id both times.
    await events.store(signedIn(session, reserved));
    const nextDeviceToken = devices.tokenFor(userId, this.#knownDevice(deviceToken, userId));
    return { kind: 'opened', session, tokens: issued, replaced: [], deviceToken: nextDeviceToken };
  }

  /** The device of another user counts as unknown. */
  #knownDevice(deviceToken: string, userId: string) {
    const device = this.#options.devices.deviceOf(deviceToken);
    return device?.userId === userId ? device : undefined;
  }

  #reportRefused(userId: string, { actor }: ReservedSession, { ipAddress, clientId }: SessionRequest): void {
    const { events, clock } = this.#options;
    const origin = { ipAddress, clientId };
    events.publish({ kind: 'SignInRefused', at: clock.now(), actor, userId, reason: 'SIGN_IN_RISK', origin });
  }
}

/** Users may take their time to choose a session to end. Once it was refreshed, the first answer was not lost. */
function openedAt({ generation, lastSeenAt }: Session, { reservedAt }: ReservedSession): number {
  return generation === 1 ? lastSeenAt : reservedAt;
}
