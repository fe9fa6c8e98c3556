import type { Clock } from '../../validator/clock.ts';
import type { Actor, SecurityEvents } from '../audit/security-event.ts';
import { Failure } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import type { SessionRef } from '../session/session.ts';
import { sessionEnded } from '../session/session-failures.ts';
import type { Identity } from '../user/identity-directory.ts';
import { type ExternalFlow, flowProof, type TakeOutcome } from './external-flow.ts';
import { flowInProgress, flowNotFound, flowOver } from './external-flow-failures.ts';
import type { ExternalFlowStore } from './external-flow-store.ts';
import { type ConfiguredProvider, type Providers, providerNamed } from './external-login.ts';
import type { ExternalSessions, IdentifiedFlow } from './external-sessions.ts';
import type { Identities } from './identities.ts';
import { type ProviderAccount, providerAnswerInvalid } from './identity-provider.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { LoginResult } from './login-service.ts';
import { hashOfSecret } from './random-secrets.ts';
import type { SessionRequest } from './reserved-sessions.ts';

export interface ExternalCompletionOptions {
  readonly providers: Providers;
  readonly flows: Pick<ExternalFlowStore, 'take' | 'settle'>;
  readonly liveSessions: Pick<LiveSessions, 'find'>;
  readonly identities: Pick<Identities, 'link'>;
  readonly sessions: Pick<ExternalSessions, 'check' | 'open' | 'repeat'>;
  readonly events: Pick<SecurityEvents, 'publish'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
  /** How long a repeated call links again; milliseconds. */
  readonly graceMs: number;
}

/** A browser that came back from a provider. */
export interface ExternalAttempt extends SessionRequest {
  /** The provider whose redirect address the browser came back to. */
  readonly provider: string;
  /** Of the flow, as the browser brought it back: `state`. */
  readonly flowId: string;
  readonly flowSecret: string;
  /** The whole query. */
  readonly answer: URLSearchParams;
  /** Until the caller's deadline; milliseconds, or Infinity. */
  readonly remainingMs: number;
}

export type Completion = LoginResult | { readonly kind: 'linked'; readonly identity: Identity };

type Taken = Exclude<TakeOutcome, { readonly kind: 'missing' }>;

const CREDENTIALS: Actor = { kind: 'credentials' };
/** Longer than any call to a provider. A flow that is not settled by then will never be. Milliseconds. */
const EXCHANGE_MS = 35_000;

/**
 * Takes people back from identity providers. A flow is taken in one atomic step before the provider is asked, so its
 * code is used once. The store remembers the account, so a repeat continues where the earlier call got to.
 */
export class ExternalCompletion {
  readonly #options: ExternalCompletionOptions;

  constructor(options: ExternalCompletionOptions) {
    this.#options = options;
  }

  /**
   * Opens a session, or links the account to the user who began.
   *
   * Fails with PROVIDER_NOT_FOUND, FLOW_NOT_FOUND, FLOW_OVER, FLOW_IN_PROGRESS, PROVIDER_REFUSED,
   * PROVIDER_ANSWER_INVALID, PROVIDER_UNAVAILABLE, IDENTITY_NOT_LINKED, IDENTITY_TAKEN, USERNAME_TAKEN, USER_NOT_FOUND,
   * SESSION_ENDED, SIGN_IN_RISK, INVALID_FIELD, END_UNCONFIRMED and STORE_UNAVAILABLE.
   */
  async complete(attempt: ExternalAttempt): Promise<Completion> {
    const provider = providerNamed(this.#options.providers, attempt.provider);
    this.#options.sessions.check(attempt);
    let isLink = false;
    try {
      const taken = await this.#take(attempt);
      isLink = taken.flow.linkingSession !== undefined;
      const flow = await this.#identified(provider, attempt, taken);
      const { linkingSession } = flow;
      const { sessions, clock, graceMs } = this.#options;
      if (linkingSession !== undefined) {
        if (taken.kind === 'again' && clock.now() - flow.takenAt > graceMs) throw flowOver();
        return await this.#link(flow, linkingSession, attempt);
      }
      return await (taken.kind === 'taken'
        ? sessions.open(provider, flow, attempt)
        : sessions.repeat(provider, flow, attempt));
    } catch (error) {
      if (!isLink) this.#reportFailed(attempt, error);
      throw error;
    }
  }

  async #take({ flowId, flowSecret }: ExternalAttempt): Promise<Taken> {
    const { flows, clock, ids } = this.#options;
    const now = clock.now();
    const taken = await flows.take(flowId, hashOfSecret(flowSecret), ids.next(now), now);
    if (taken.kind === 'missing') throw flowNotFound();
    return taken;
  }

  async #identified(
    provider: ConfiguredProvider,
    attempt: ExternalAttempt,
    { kind, flow }: Taken,
  ): Promise<IdentifiedFlow> {
    if (kind === 'taken') return { ...flow, account: await this.#exchange(provider, attempt, flow) };
    if (flow.provider !== provider.name) throw flowOver();
    if (flow.account !== undefined) return { ...flow, account: flow.account };
    const isExchanging = flow.state === 'TAKEN' && this.#options.clock.now() < flow.takenAt + EXCHANGE_MS;
    throw isExchanging ? flowInProgress() : flowOver();
  }

  /** Asks the provider, once in the life of a flow. */
  async #exchange(
    { name, adapter, calls }: ConfiguredProvider,
    { answer, flowSecret, remainingMs }: ExternalAttempt,
    { flowId, provider }: ExternalFlow,
  ): Promise<ProviderAccount> {
    const { flows } = this.#options;
    // Each provider has its own redirect address. Another one here means that two providers are mixed up (RFC 9700).
    const isMixedUp = provider !== name;
    try {
      if (isMixedUp) throw providerAnswerInvalid(new Error(`the flow began at ${provider}, not at ${name}`));
      const account = await calls.run(remainingMs, () =>
        adapter.identify(answer, flowProof(flowId, flowSecret)),
      );
      await flows.settle(flowId, account);
      return account;
    } catch (error) {
      await flows.settle(flowId, undefined).catch(() => undefined);
      throw error;
    }
  }

  async #link(
    flow: IdentifiedFlow,
    linkingSession: SessionRef,
    attempt: ExternalAttempt,
  ): Promise<Completion> {
    const { liveSessions, identities } = this.#options;
    const session = await liveSessions.find(linkingSession);
    if (session === undefined) throw sessionEnded(undefined);
    const { provider, account } = flow;
    const { subject, displayName } = account;
    const actor: Actor = { kind: 'caller', ...linkingSession, clientId: session.clientId };
    const origin = { ipAddress: attempt.ipAddress, clientId: attempt.clientId };
    const key = { provider, subject, displayName };
    return { kind: 'linked', identity: await identities.link(linkingSession.userId, key, { actor, origin }) };
  }

  #reportFailed({ ipAddress, clientId }: ExternalAttempt, error: unknown): void {
    const { events, clock } = this.#options;
    const reason = error instanceof Failure ? error.reason : 'INTERNAL';
    // `ExternalSessions` reports it, because it knows the user.
    if (reason === 'SIGN_IN_RISK') return;
    const origin = { ipAddress, clientId };
    const facts = { at: clock.now(), actor: CREDENTIALS, userId: undefined, reason, origin };
    events.publish({ kind: 'SignInFailed', ...facts });
  }
}
