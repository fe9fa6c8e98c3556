import type { Clock } from '../../validator/clock.ts';
import { Failure } from '../failure.ts';
import type { SessionRef } from '../session/session.ts';
import { type ExternalFlow, FLOW_TTL_MS, flowProof } from './external-flow.ts';
import type { ExternalFlowStore } from './external-flow-store.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { LoginThrottle } from './login-throttle.ts';
import type { ProviderCalls } from './provider-calls.ts';
import { hashOfSecret, newRandomId, newRandomSecret } from './random-secrets.ts';

/** An identity provider of the configuration. */
export interface ConfiguredProvider {
  /** Unique. 1 to 32 characters of `a-z 0-9 -`. */
  readonly name: string;
  /** What pages show. */
  readonly displayName: string;
  /** Roles of the users that an unknown account creates. Undefined: it creates none. */
  readonly newUserRoles: readonly string[] | undefined;
  readonly adapter: IdentityProvider;
  readonly calls: Pick<ProviderCalls, 'run'>;
}

export type Providers = ReadonlyMap<string, ConfiguredProvider>;

export interface ExternalLoginOptions {
  readonly providers: Providers;
  readonly flows: Pick<ExternalFlowStore, 'create'>;
  readonly throttle: Pick<LoginThrottle, 'reserveFlow'>;
  readonly clock: Pick<Clock, 'now'>;
}

export interface BeginAttempt {
  readonly provider: string;
  /** The session whose user links an account. Undefined: a sign-in. */
  readonly linkingSession: SessionRef | undefined;
  /** The caller's network. Empty: unknown, or shared by many people. */
  readonly network: string;
  /** Until the caller's deadline; milliseconds, or Infinity. */
  readonly remainingMs: number;
}

export interface BegunFlow extends Pick<ExternalFlow, 'flowId' | 'expiresAt'> {
  /** Where to send the browser. */
  readonly authorizationUrl: string;
  /** Only the browser that began may have it. */
  readonly flowSecret: string;
}

/** Sends people to identity providers. `ExternalCompletion` takes them back. */
export class ExternalLogin {
  readonly #options: ExternalLoginOptions;

  constructor(options: ExternalLoginOptions) {
    this.#options = options;
  }

  /** The providers, in the order of the configuration. */
  list(): readonly Pick<ConfiguredProvider, 'name' | 'displayName'>[] {
    return [...this.#options.providers.values()];
  }

  /** Begins a flow. Fails with PROVIDER_NOT_FOUND, TOO_MANY_ATTEMPTS, PROVIDER_UNAVAILABLE and STORE_UNAVAILABLE. */
  async begin({ provider: name, linkingSession, network, remainingMs }: BeginAttempt): Promise<BegunFlow> {
    const { providers, flows, throttle, clock } = this.#options;
    const { adapter, calls } = providerNamed(providers, name);
    await throttle.reserveFlow(network);
    const flowId = newRandomId();
    const flowSecret = newRandomSecret();
    const authorizationUrl = await calls.run(remainingMs, () =>
      adapter.authorizationUrl(flowProof(flowId, flowSecret)),
    );
    const now = clock.now();
    const expiresAt = now + FLOW_TTL_MS;
    const flow: ExternalFlow = {
      flowId,
      expiresAt,
      linkingSession,
      provider: name,
      secretHash: hashOfSecret(flowSecret),
      state: 'PENDING',
      sessionId: '',
      takenAt: 0,
      account: undefined,
    };
    await flows.create(flow, now);
    return { authorizationUrl, flowId, flowSecret, expiresAt };
  }
}

/** Throws PROVIDER_NOT_FOUND. */
export function providerNamed(providers: Providers, name: string): ConfiguredProvider {
  const provider = providers.get(name);
  if (provider === undefined)
    throw new Failure('PROVIDER_NOT_FOUND', 'There is no such identity provider; ListProviders names them.');
  return provider;
}
