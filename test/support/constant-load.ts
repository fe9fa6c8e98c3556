import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import type { SignedIn } from '../../src/gen/latchkey/v1/identity.ts';
import type { IdentityClient } from './identity-client.ts';

export interface LoadOptions {
  /** Pause of each caller between two calls; milliseconds. Default 0: as many calls as the service answers. */
  readonly pauseMs?: number;
  /** How many callers refresh, each with its own session. Default 8. */
  readonly callers?: number;
  readonly password: string;
}

/** The service that is called. */
export interface LoadClients {
  readonly identity: IdentityClient;
  readonly users: UserServiceClient;
}

/** The results of one kind of call: how many ended with each status, by number; 0 is OK. */
export type Outcomes = ReadonlyMap<number, number>;

const AFTER_FAULT_MS = 5;

/** Callers that refresh, validate, sign in and out, and change a user until they are stopped. Counts the results. */
export class ConstantLoad {
  readonly refreshed = new Map<number, number>();
  readonly validated = new Map<number, number>();
  readonly signedIn = new Map<number, number>();
  readonly changed = new Map<number, number>();
  /** The duration of the longest sign-in; milliseconds. */
  slowestSignInMs = 0;
  readonly #clients: LoadClients;
  readonly #options: LoadOptions;
  readonly #stopped = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(clients: LoadClients, options: LoadOptions) {
    this.#clients = clients;
    this.#options = options;
  }

  static async start(clients: LoadClients, options: LoadOptions): Promise<ConstantLoad> {
    const load = new ConstantLoad(clients, options);
    const { callers = 8, password } = options;
    const { identity } = clients;
    const sessions = await Promise.all(Array.from({ length: callers }, () => signIn(identity, password)));
    const [{ tokens, session } = {}] = sessions;
    load.#running = Promise.all([
      ...sessions.map((opened) => load.#refresh(opened)),
      load.#validate(tokens?.accessToken ?? ''),
      load.#signIn(),
      load.#change(session?.userId ?? '', tokens?.accessToken ?? ''),
    ]);
    return load;
  }

  /** Resolves when the last call is answered. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #refresh({ tokens }: SignedIn): Promise<void> {
    let refreshToken = tokens?.refreshToken ?? '';
    await this.#repeat(this.refreshed, async () => {
      const answer = await this.#clients.identity.refresh(refreshToken);
      refreshToken = answer.tokens?.refreshToken ?? '';
    });
  }

  #validate(accessToken: string): Promise<void> {
    return this.#repeat(this.validated, () => this.#clients.identity.validate(accessToken));
  }

  #signIn(): Promise<void> {
    const { password } = this.#options;
    return this.#repeat(this.signedIn, async () => {
      const { identity } = this.#clients;
      const began = performance.now();
      try {
        const { tokens } = await identity.login({ password });
        await identity.logout({ $case: 'refreshToken', value: tokens?.refreshToken ?? '' });
      } finally {
        this.slowestSignInMs = Math.max(this.slowestSignInMs, performance.now() - began);
      }
    });
  }

  /** Each is one transaction. */
  #change(userId: string, accessToken: string): Promise<void> {
    const caller = new Metadata();
    caller.set('authorization', `Bearer ${accessToken}`);
    const nothing = { username: '', devicePolicy: undefined, etag: '' };
    const change = { userId, roles: ['admin'], updateMask: ['roles'], ...nothing };
    return this.#repeat(
      this.changed,
      () =>
        new Promise<void>((resolve, reject) => {
          this.#clients.users.updateUser(change, caller, (error) => (error ? reject(error) : resolve()));
        }),
    );
  }

  async #repeat(outcomes: Map<number, number>, call: () => Promise<unknown>): Promise<void> {
    const { pauseMs = 0 } = this.#options;
    while (!this.#stopped.signal.aborted) {
      const code = await call().then(
        () => 0,
        (error: ServiceError) => error.code,
      );
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
      const pause = Math.max(pauseMs, code === 0 ? 0 : AFTER_FAULT_MS);
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Signs in. Tries again a few times: on a busy machine a store may answer too late. */
async function signIn(identity: IdentityClient, password: string): Promise<SignedIn> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await identity.login({ password });
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
