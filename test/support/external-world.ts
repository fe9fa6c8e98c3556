import { MemoryExternalFlowStore } from '../../src/adapters/memory/memory-external-flow-store.ts';
import type { SessionRef } from '../../src/core/session/session.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import { type ExternalAttempt, ExternalCompletion } from '../../src/core/sign-in/external-completion.ts';
import type { ExternalFlowStore } from '../../src/core/sign-in/external-flow-store.ts';
import {
  type BegunFlow,
  type ConfiguredProvider,
  ExternalLogin,
  type Providers,
} from '../../src/core/sign-in/external-login.ts';
import { ExternalSessions } from '../../src/core/sign-in/external-sessions.ts';
import { Identities } from '../../src/core/sign-in/identities.ts';
import {
  type FlowProof,
  type IdentityProvider,
  type ProviderAccount,
  providerRefused,
} from '../../src/core/sign-in/identity-provider.ts';
import { LiveSessions } from '../../src/core/sign-in/live-sessions.ts';
import { UNLIMITED_ATTEMPTS } from '../../src/core/sign-in/login-attempts.ts';
import { ProviderCalls } from '../../src/core/sign-in/provider-calls.ts';
import type { ReservedSessionsOptions } from '../../src/core/sign-in/reserved-sessions.ts';
import { deviceTokens, throttleOf } from './attempts.ts';
import { MemoryIdentityDirectory } from './memory-identity-directory.ts';
import { RESERVED_GRACE, reservedSessions } from './reserved-sessions.ts';
import { NO_RISK } from './risk.ts';
import { SessionWorld } from './session-world.ts';
import { ids } from './sessions.ts';

export const GRACE = RESERVED_GRACE;
export const TIMEOUT = 50;

/** A provider that knows an account for each code, and whose codes work once. */
export class FakeProvider implements IdentityProvider {
  readonly accounts = new Map<string, ProviderAccount>();
  /** Every answer that it was asked about, with the proof of its flow. */
  readonly asked: { readonly answer: URLSearchParams; readonly proof: FlowProof }[] = [];
  /** Awaited before it answers. */
  pause: Promise<unknown> = Promise.resolve();

  async authorizationUrl({ state }: FlowProof): Promise<string> {
    await this.pause;
    return `https://provider.example/authorize?state=${state}`;
  }

  async identify(answer: URLSearchParams, proof: FlowProof): Promise<ProviderAccount> {
    this.asked.push({ answer, proof });
    await this.pause;
    const code = answer.get('code') ?? '';
    const account = this.accounts.get(code);
    this.accounts.delete(code);
    if (account === undefined) throw providerRefused('invalid_grant');
    return account;
  }

  /** A code for an account. */
  codeFor(subject: string, methods: readonly string[] = []): string {
    const code = `code-${this.asked.length}-${this.accounts.size}`;
    this.accounts.set(code, { subject, displayName: `${subject} the person`, methods });
    return code;
  }
}

/** Sign-in through identity providers on a server, assembled like the composition root does. */
export class ExternalWorld {
  readonly world: SessionWorld;
  readonly directory: MemoryIdentityDirectory;
  readonly identities: Identities;
  readonly providers: Providers;
  readonly login: ExternalLogin;
  readonly completion: ExternalCompletion;
  /** Creates no users. */
  readonly acme = new FakeProvider();
  /** Creates users with the role `guest`. */
  readonly open = new FakeProvider();
  /** Assesses the next sign-ins. */
  risk: ReservedSessionsOptions['risk'] = NO_RISK;

  private constructor(world: SessionWorld, flows: ExternalFlowStore) {
    this.world = world;
    const { clock, events, follower } = world;
    const users = {
      ...world.directory,
      insert: async (user: Parameters<SessionWorld['users']['set']>[1]) =>
        void world.users.set(user.userId, user),
    };
    this.directory = new MemoryIdentityDirectory(users);
    this.identities = new Identities({ directory: this.directory, events, clock, ids });
    const providers: Providers = new Map(
      [configured('acme', this.acme, undefined), configured('open', this.open, ['guest'])].map((each) => [
        each.name,
        each,
      ]),
    );
    this.providers = providers;
    const sessions = new ExternalSessions({
      identities: this.identities,
      flows,
      users,
      devices: deviceTokens(clock),
      reserved: reservedSessions(world, () => this.risk),
    });
    const throttle = throttleOf(UNLIMITED_ATTEMPTS, clock);
    this.login = new ExternalLogin({ providers, flows, throttle, clock });
    this.completion = new ExternalCompletion({
      ...{ providers, flows, sessions, events, clock, ids, graceMs: GRACE, identities: this.identities },
      liveSessions: new LiveSessions({ store: world.store, revocations: follower, clock }),
    });
  }

  static async start(flows: ExternalFlowStore = new MemoryExternalFlowStore()): Promise<ExternalWorld> {
    return new ExternalWorld(await SessionWorld.open(), flows);
  }

  begin(provider = 'acme', linkingSession?: SessionRef): Promise<BegunFlow> {
    return this.login.begin({ provider, linkingSession, network: '', remainingMs: Number.POSITIVE_INFINITY });
  }

  /** @param code that the provider gave to the browser. */
  complete(
    { flowId, flowSecret }: Pick<BegunFlow, 'flowId' | 'flowSecret'>,
    code: string,
    given: Partial<ExternalAttempt> = {},
  ) {
    return this.completion.complete({
      ...{ provider: 'acme', flowId, flowSecret, answer: new URLSearchParams({ state: flowId, code }) },
      ...{ clientId: 'web', device: { deviceId: 'd-1', name: 'Firefox', platform: 'Linux' } },
      ...{ ipAddress: '192.0.2.7', labels: {}, deviceToken: '', endSessionId: '' },
      remainingMs: Number.POSITIVE_INFINITY,
      ...given,
    });
  }
}

export function sessionRefOf({ session }: OpenedSession): SessionRef {
  return { userId: session.userId, sessionId: session.sessionId };
}

function configured(
  name: string,
  adapter: IdentityProvider,
  newUserRoles: readonly string[] | undefined,
): ConfiguredProvider {
  const calls = new ProviderCalls({ maxCalls: 2, timeoutMs: TIMEOUT });
  return { name, displayName: name.toUpperCase(), newUserRoles, adapter, calls };
}
