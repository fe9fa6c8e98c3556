import type { Clock } from '../../validator/clock.ts';
import {
  type Actor,
  type EventOrigin,
  type SecurityEvents,
  storeAndPublish,
} from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import { platformKey } from '../session/device-policy.ts';
import { type Device, deviceMark, type Session } from '../session/session.ts';
import type { SessionEnder } from '../session/session-ender.ts';
import { sessionEnded } from '../session/session-failures.ts';
import type { MoveAssessor } from '../session/session-service.ts';
import type { SessionStore } from '../session/session-store.ts';
import { SERVICE_ROLE, type User } from '../user/user.ts';
import {
  type AssessedStep,
  decideRisk,
  type RiskTable,
  type RiskVerdict,
  type Signal,
} from './risk-rules.ts';
import { type Circumstances, isNewDevice, type PastSignIn, type Places, signalsOf } from './risk-signals.ts';
import type { SignInHistory } from './sign-in-history.ts';

export interface RiskAssessorOptions {
  readonly history: Pick<SignInHistory, 'recorded' | 'complete' | 'before'>;
  /** The table that applies now. Undefined: there is none. */
  readonly table: () => RiskTable | undefined;
  readonly places: Places;
  readonly store: Pick<SessionStore, 'shorten'>;
  readonly ender: Pick<SessionEnder, 'endRecord' | 'log' | 'endUser'>;
  readonly events: SecurityEvents;
  readonly clock: Clock;
}

/** A sign-in of a known user, before a session is opened. */
export interface AssessedSignIn {
  readonly clientId: string;
  readonly device: Device;
  /** Empty: unknown. */
  readonly ipAddress: string;
  /** A device token proves that the device signed this user in before. */
  readonly isKnownDevice: boolean;
}

/** A rule that applied. */
interface Finding {
  readonly verdict: RiskVerdict;
  readonly signals: readonly Signal[];
  readonly mode: RiskTable['mode'];
}

/** How to open the session of a sign-in. */
export interface SignInAssessment {
  readonly isNewDevice: boolean;
  /** The session ends after this time at the latest; milliseconds. Undefined: as the session policy says. */
  readonly lifetimeMs: number | undefined;
  /** Undefined: no rule applied. */
  readonly finding: Finding | undefined;
}

const SERVICE: Actor = { kind: 'service' };

/**
 * Compares sign-ins and refreshes with the past of the user, and does what the risk table says. In shadow mode it only
 * reports. Accounts of services are not assessed: many devices share one.
 */
export class RiskAssessor implements MoveAssessor {
  readonly #options: RiskAssessorOptions;

  constructor(options: RiskAssessorOptions) {
    this.#options = options;
  }

  /**
   * Assesses a sign-in before its session is opened. Without rules it reads the audit trail once, and nothing if the
   * device is known or has no id.
   *
   * Fails with SIGN_IN_RISK if the sign-in is refused. Fails with STORE_UNAVAILABLE if the past cannot be read or the
   * refusal cannot be stored. Fails with END_UNCONFIRMED if a refusal or the end of the sessions is not confirmed.
   */
  async signIn(user: User, attempt: AssessedSignIn): Promise<SignInAssessment> {
    const { history, clock } = this.#options;
    const mark = attempt.isKnownDevice ? '' : deviceMark(attempt);
    const table = this.#tableFor('sign-in', user);
    if (isExempt(user) || (table === undefined && mark === '')) {
      return { isNewDevice: false, lifetimeMs: undefined, finding: undefined };
    }
    const past = await (table === undefined ? history.recorded(user.userId) : history.complete(user.userId));
    const current = {
      deviceMark: mark,
      platform: platformKey(attempt.device),
      ipAddress: attempt.ipAddress,
      at: clock.now(),
    };
    const finding = table && this.#find(table, 'sign-in', current, past);
    if (finding?.mode === 'enforce') await this.#refuseIfEnded(user, attempt, finding);
    const isShortened = finding?.mode === 'enforce' && finding.verdict.action === 'shorten';
    return {
      isNewDevice: isNewDevice(mark, past),
      lifetimeMs: isShortened ? finding.verdict.lifetimeMs : undefined,
      finding,
    };
  }

  /**
   * Reports the assessment of a sign-in once its session is open.
   *
   * @param actor who signed in.
   */
  signedIn({ isNewDevice, finding }: SignInAssessment, session: Session, actor: Actor): void {
    const { events, clock } = this.#options;
    const { userId, sessionId, ipAddress, clientId } = session;
    const origin: EventOrigin = { ipAddress, clientId };
    if (isNewDevice) {
      events.publish({ kind: 'NewDevice', at: clock.now(), actor, userId, sessionId, origin });
    }
    if (finding !== undefined) events.publish(this.#event(finding, userId, sessionId, origin));
  }

  /**
   * Assesses a refresh from another address. The refresh token is rotated already.
   *
   * Fails with SESSION_ENDED if a rule ends the session. Otherwise fails as `signIn`; a repeat of the refresh is not
   * assessed then.
   */
  async moved(user: User, session: Session, previousIpAddress: string): Promise<Session> {
    const { places, history, events, clock } = this.#options;
    const { userId, sessionId, clientId, latestIpAddress: ipAddress } = session;
    const network = places.networkOf(ipAddress);
    const previous = places.networkOf(previousIpAddress);
    const at = clock.now();
    const origin: EventOrigin = { ipAddress, clientId };
    if (network !== undefined && previous !== undefined) {
      const actor: Actor = { kind: 'caller', userId, sessionId, clientId };
      const from = previousIpAddress;
      events.publish({ kind: 'SessionMoved', at, actor, userId, sessionId, origin, from });
    }
    const table = this.#tableFor('refresh', user);
    if (table === undefined || network === undefined) return session;
    const past = await history.before(session, previousIpAddress);
    // The device and its platform are those of the sign-in.
    const current = { deviceMark: '', platform: '', ipAddress, at };
    const finding = this.#find(table, 'refresh', current, past);
    if (finding === undefined) return session;
    events.publish(this.#event(finding, userId, sessionId, origin));
    return finding.mode === 'enforce' ? this.#enforce(user, session, finding.verdict) : session;
  }

  /** The table, if it has rules for this step. */
  #tableFor(at: AssessedStep, user: User): RiskTable | undefined {
    const table = this.#options.table();
    return !isExempt(user) && table?.rules.some((rule) => rule.at === at) ? table : undefined;
  }

  #find(
    { rules, mode }: RiskTable,
    at: AssessedStep,
    current: Circumstances,
    past: readonly PastSignIn[],
  ): Finding | undefined {
    const signals = signalsOf(current, past, this.#options.places);
    const verdict = decideRisk(rules, at, signals);
    return verdict && { verdict, signals, mode };
  }

  /** Stores the finding before the sign-in is answered. */
  async #refuseIfEnded(user: User, { ipAddress, clientId }: AssessedSignIn, finding: Finding): Promise<void> {
    const { ender, events } = this.#options;
    const { userId, securityVersion } = user;
    const { action } = finding.verdict;
    if (action !== 'end-session' && action !== 'end-all') return;
    await storeAndPublish(events, this.#event(finding, userId, undefined, { ipAddress, clientId }));
    if (action === 'end-all') await ender.endUser(userId, securityVersion, 'RISK', SERVICE);
    throw new Failure('SIGN_IN_RISK', 'This sign-in is refused: it is too unusual for this user.');
  }

  async #enforce(user: User, session: Session, verdict: RiskVerdict): Promise<Session> {
    const { ender, clock } = this.#options;
    const { userId, sessionId } = session;
    switch (verdict.action) {
      case 'note':
        return session;
      case 'shorten':
        return this.#shorten(session, verdict.lifetimeMs);
      case 'end-session': {
        const ended = await ender.endRecord(userId, sessionId, 'RISK');
        await ender.log(userId, ended, SERVICE);
        throw sessionEnded(ended);
      }
      case 'end-all':
        await ender.endUser(userId, user.securityVersion, 'RISK', SERVICE);
        throw sessionEnded({ sessionId, reason: 'RISK', endedAt: clock.now(), revision: undefined });
    }
  }

  async #shorten({ userId, sessionId }: Session, lifetimeMs: number): Promise<Session> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const found = await store.shorten({ userId, sessionId, deadline: now + lifetimeMs, now });
    if (found.kind === 'live') return found.session;
    throw sessionEnded(found.kind === 'ended' ? found.ended : undefined);
  }

  #event(
    { verdict, signals, mode }: Finding,
    userId: string,
    sessionId: string | undefined,
    origin: EventOrigin,
  ) {
    const at = this.#options.clock.now();
    const facts = { signals: signals.join(' '), action: verdict.action, mode };
    return { kind: 'RiskAssessed', at, actor: SERVICE, userId, sessionId, origin, ...facts } as const;
  }
}

function isExempt({ roles }: User): boolean {
  return roles.includes(SERVICE_ROLE);
}
