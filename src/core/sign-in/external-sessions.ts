import { Failure } from '../failure.ts';
import type { User } from '../user/user.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { DeviceTokens } from './device-token.ts';
import type { ExternalFlow } from './external-flow.ts';
import { flowInProgress, flowOver } from './external-flow-failures.ts';
import type { ExternalFlowStore } from './external-flow-store.ts';
import type { ConfiguredProvider } from './external-login.ts';
import type { Identities } from './identities.ts';
import type { ProviderAccount } from './identity-provider.ts';
import type { LoginResult } from './login-service.ts';
import type { ReservedSession, ReservedSessions, SessionRequest } from './reserved-sessions.ts';

export interface ExternalSessionsOptions {
  readonly identities: Pick<Identities, 'find' | 'recordSignIn' | 'createUser'>;
  readonly flows: Pick<ExternalFlowStore, 'bind'>;
  readonly users: Pick<UserDirectory, 'findById'>;
  readonly devices: Pick<DeviceTokens, 'deviceOf'>;
  readonly reserved: Pick<ReservedSessions, 'open' | 'repeat'>;
}

/** A flow whose account is known. */
export interface IdentifiedFlow extends ExternalFlow {
  readonly account: ProviderAccount;
}

/**
 * Opens the sessions of people whom a provider has identified.
 *
 * Its calls fail with IDENTITY_NOT_LINKED, USERNAME_TAKEN, FLOW_OVER, SIGN_IN_RISK, END_UNCONFIRMED and
 * STORE_UNAVAILABLE; a repeat also with FLOW_IN_PROGRESS.
 */
export class ExternalSessions {
  readonly #options: ExternalSessionsOptions;

  constructor(options: ExternalSessionsOptions) {
    this.#options = options;
  }

  /** Checks a request before its flow is taken. Throws INVALID_FIELD for a device token that this service did not issue. */
  check({ deviceToken }: SessionRequest): void {
    this.#options.devices.deviceOf(deviceToken);
  }

  /** Opens the session of a flow that this call took. */
  async open(
    provider: ConfiguredProvider,
    flow: IdentifiedFlow,
    request: SessionRequest,
  ): Promise<LoginResult> {
    return this.#open(await this.#userOf(provider, flow, request), flow, request);
  }

  /**
   * Answers a call for a flow that an earlier call took: its answer was lost, or the user had to choose a session to end.
   */
  async repeat(
    provider: ConfiguredProvider,
    flow: IdentifiedFlow,
    request: SessionRequest,
  ): Promise<LoginResult> {
    const user = await this.#userOf(provider, flow, request);
    const open = () => this.#open(user, flow, request);
    const outcome = await this.#options.reserved.repeat(user.userId, reservedOf(flow), request, open);
    switch (outcome.kind) {
      case 'opening':
        throw flowInProgress();
      case 'over':
        throw flowOver();
      case 'opened':
      case 'session-limit':
        return outcome;
    }
  }

  async #open(user: User, flow: IdentifiedFlow, request: SessionRequest): Promise<LoginResult> {
    const { identities, reserved } = this.#options;
    const { subject, displayName } = flow.account;
    try {
      const outcome = await reserved.open(user, reservedOf(flow), request);
      if (outcome.kind === 'opened') {
        const key = { provider: flow.provider, subject };
        await identities.recordSignIn(key, displayName).catch(() => undefined);
      }
      return outcome;
    } catch (error) {
      const isOver = error instanceof Failure && error.reason === 'INVALID_CREDENTIALS';
      throw isOver ? flowOver() : error;
    }
  }

  /**
   * The user of the account. A disabled user gets the error of an account that is not linked. A flow has one user: its
   * session id must not open a session of another one whom the account is linked to meanwhile.
   */
  async #userOf(
    { name, newUserRoles }: ConfiguredProvider,
    { flowId, account: { subject, displayName } }: IdentifiedFlow,
    { ipAddress, clientId }: SessionRequest,
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
}

function reservedOf({ sessionId, takenAt, provider, account }: IdentifiedFlow): ReservedSession {
  return {
    sessionId,
    reservedAt: takenAt,
    actor: { kind: 'credentials' },
    provider,
    authenticationMethods: account.methods,
  };
}

function identityNotLinked(provider: string): Failure {
  return new Failure(
    'IDENTITY_NOT_LINKED',
    'This account signs nobody in. Sign in another way and link it, or ask an operator.',
    { metadata: { provider } },
  );
}
