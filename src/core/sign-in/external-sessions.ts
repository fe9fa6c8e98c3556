import type { Clock } from '../../validator/clock.ts';
import type { SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { RiskAssessor } from '../risk/risk-assessor.ts';
import type { Device, Labels, Session } from '../session/session.ts';
import {
  type SessionLimitReached,
  type SessionOpener,
  type SignInProof,
  signedIn,
} from '../session/session-opener.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { SessionTokens } from '../session/session-tokens.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { DeviceTokens } from './device-token.ts';
import type { ExternalFlow } from './external-flow.ts';
import { flowInProgress, flowOver } from './external-flow-failures.ts';
import type { ExternalFlowStore } from './external-flow-store.ts';
import type { ConfiguredProvider } from './external-login.ts';
import type { Identities } from './identities.ts';
import type { ProviderAccount } from './identity-provider.ts';
import type { SignedInResult } from './login-service.ts';
import { OPENING_MS } from './ticket-redemption.ts';

export interface ExternalSessionsOptions {
  readonly identities: Pick<Identities, 'find' | 'used' | 'createUser'>;
  readonly flows: Pick<ExternalFlowStore, 'bind'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly store: Pick<SessionStore, 'read'>;
  readonly opener: Pick<SessionOpener, 'open'>;
  readonly tokens: Pick<SessionTokens, 'issue'>;
  readonly devices: Pick<DeviceTokens, 'deviceOf' | 'tokenFor'>;
  readonly risk: Pick<RiskAssessor, 'signIn' | 'signedIn'>;
  readonly events: Pick<SecurityEvents, 'store' | 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  /** How long a repeated call gets the tokens of the same session; milliseconds. */
  readonly graceMs: number;
}

/** What the new session gets. */
export interface ExternalSignIn {
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

/** A flow whose account is known. */
export interface IdentifiedFlow extends ExternalFlow {
  readonly account: ProviderAccount;
}

export type ExternalOutcome = SignedInResult | SessionLimitReached;

/** Opens the sessions of people whom a provider has identified. */
export class ExternalSessions {
  readonly #options: ExternalSessionsOptions;

  constructor(options: ExternalSessionsOptions) {
    this.#options = options;
  }

  /** Throws INVALID_FIELD for a device token that this service did not issue. */
  check({ deviceToken }: ExternalSignIn): void {
    this.#options.devices.deviceOf(deviceToken);
  }

  /** Fails with IDENTITY_NOT_LINKED, FLOW_OVER, SIGN_IN_RISK, END_UNCONFIRMED and STORE_UNAVAILABLE. */
  async open(
    provider: ConfiguredProvider,
    flow: IdentifiedFlow,
    signIn: ExternalSignIn,
  ): Promise<ExternalOutcome> {
    return this.#open(await this.#userOf(provider, flow, signIn), flow, signIn);
  }

  /** An earlier call identified the person: its answer was lost, or the user had to choose a session to end. */
  async repeat(
    provider: ConfiguredProvider,
    flow: IdentifiedFlow,
    signIn: ExternalSignIn,
  ): Promise<ExternalOutcome> {
    const { store, clock, graceMs } = this.#options;
    const user = await this.#userOf(provider, flow, signIn);
    const now = clock.now();
    const found = await store.read(user.userId, flow.sessionId, now);
    if (found.kind === 'missing') {
      // Whoever names a session to end has an answer already. Otherwise another call may be opening the session now.
      const mayBeOpening = signIn.endSessionId === '' && now - flow.takenAt < OPENING_MS;
      if (mayBeOpening) throw flowInProgress();
      return this.#openOnce(user, flow, signIn);
    }
    if (found.kind === 'ended' || now - flow.takenAt > graceMs) throw flowOver();
    return this.#tokensAgain(user, found.session, flow, signIn, now);
  }

  /** Opens the session, unless another call opens it at the same time: then returns its tokens. */
  async #openOnce(user: User, flow: IdentifiedFlow, signIn: ExternalSignIn): Promise<ExternalOutcome> {
    try {
      return await this.#open(user, flow, signIn);
    } catch (error) {
      const { store, clock } = this.#options;
      const now = clock.now();
      const found = await store.read(user.userId, flow.sessionId, now);
      if (found.kind !== 'live') throw error;
      return this.#tokensAgain(user, found.session, flow, signIn, now);
    }
  }

  /** The session id is older than any later end of all sessions, so the store refuses to create it after that. */
  async #open(user: User, flow: IdentifiedFlow, signIn: ExternalSignIn): Promise<ExternalOutcome> {
    const { identities, opener, devices, risk } = this.#options;
    const { deviceToken, endSessionId, ...facts } = signIn;
    const { userId } = user;
    const known = this.#knownDevice(deviceToken, userId);
    const proof = proofFrom(flow);
    const { methods: authenticationMethods, subject, displayName } = flow.account;
    try {
      const assessment = await risk.signIn(user, { ...facts, isKnownDevice: known !== undefined });
      const { isNewDevice, lifetimeMs } = assessment;
      const wanted = { ...facts, isNewDevice, lifetimeMs, authenticationMethods };
      const outcome = await opener.open(user, wanted, endSessionId, proof);
      if (outcome.kind !== 'opened') return outcome;
      risk.signedIn(assessment, outcome.session, proof.actor);
      await identities.used({ provider: flow.provider, subject }, displayName).catch(() => undefined);
      return { ...outcome, deviceToken: devices.tokenFor(userId, known) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.reason === 'INVALID_CREDENTIALS') throw flowOver();
      if (error.reason === 'SIGN_IN_RISK') this.#reportRefused(userId, signIn);
      throw error;
    }
  }

  async #tokensAgain(
    user: User,
    session: Session,
    flow: IdentifiedFlow,
    { deviceToken }: ExternalSignIn,
    now: number,
  ): Promise<ExternalOutcome> {
    const { tokens, devices, events } = this.#options;
    const { userId, roles } = user;
    const issued = await tokens.issue(session, roles, now);
    // The first call may have died before it did this. The event has the same id both times.
    await events.store(signedIn(session, proofFrom(flow)));
    const device = devices.tokenFor(userId, this.#knownDevice(deviceToken, userId));
    return { kind: 'opened', session, tokens: issued, replaced: [], deviceToken: device };
  }

  /**
   * The user of the account. A disabled user gets the error of an account that is not linked. A flow has one user: its
   * session id must not open a session of another one whom the account is linked to meanwhile.
   */
  async #userOf(
    { name, newUserRoles }: ConfiguredProvider,
    { flowId, account: { subject, displayName } }: IdentifiedFlow,
    { ipAddress, clientId }: ExternalSignIn,
  ): Promise<User> {
    const { identities, users, flows } = this.#options;
    const key = { provider: name, subject };
    const found = await identities.find(key);
    const identity =
      found === undefined && newUserRoles !== undefined
        ? await identities.createUser({ ...key, displayName }, newUserRoles, { ipAddress, clientId })
        : found;
    const user = identity && (await users.findById(identity.userId));
    if (user === undefined || user.disabledAt !== undefined) throw identityNotLinked(name);
    if ((await flows.bind(flowId, user.userId)) !== user.userId) throw flowOver();
    return user;
  }

  /** The device of another user counts as unknown. */
  #knownDevice(deviceToken: string, userId: string) {
    const device = this.#options.devices.deviceOf(deviceToken);
    return device?.userId === userId ? device : undefined;
  }

  #reportRefused(userId: string, { ipAddress, clientId }: ExternalSignIn): void {
    const { events, clock } = this.#options;
    const origin = { ipAddress, clientId };
    const facts = { at: clock.now(), actor: CREDENTIALS, userId, reason: 'SIGN_IN_RISK', origin } as const;
    events.publish({ kind: 'SignInRefused', ...facts });
  }
}

const CREDENTIALS = { kind: 'credentials' } as const;

function proofFrom({ sessionId, provider }: IdentifiedFlow): SignInProof {
  return { actor: CREDENTIALS, sessionId, provider };
}

function identityNotLinked(provider: string): Failure {
  return new Failure(
    'IDENTITY_NOT_LINKED',
    'This account signs nobody in. Sign in another way and link it, or ask an operator.',
    { metadata: { provider } },
  );
}
