import type { ServiceError } from '@grpc/grpc-js';
import type { LoginResponse } from '../../src/gen/latchkey/v1/identity.ts';
import type { IdentityClient } from './identity-client.ts';

export interface LoadOptions {
  /** Pause of each caller between two calls; milliseconds. Default 0: as many calls as the service takes. */
  readonly pauseMs?: number;
  /** How many callers refresh, each its own session. Default 8. */
  readonly callers?: number;
  readonly password: string;
}

/** What the calls of one kind came to: how many ended with each status, by number; 0 is OK. */
export type Outcomes = ReadonlyMap<number, number>;

const AFTER_FAULT_MS = 5;

/** Callers that refresh, sign in and validate until they are stopped; what goes wrong is counted. */
export class ConstantLoad {
  readonly refreshed = new Map<number, number>();
  readonly validated = new Map<number, number>();
  readonly signedIn = new Map<number, number>();
  /** The longest that a sign-in took; milliseconds. */
  slowestSignInMs = 0;
  readonly #client: IdentityClient;
  readonly #options: LoadOptions;
  readonly #stopped = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(client: IdentityClient, options: LoadOptions) {
    this.#client = client;
    this.#options = options;
  }

  static async start(client: IdentityClient, options: LoadOptions): Promise<ConstantLoad> {
    const load = new ConstantLoad(client, options);
    const { callers = 8, password } = options;
    const sessions = await Promise.all(Array.from({ length: callers }, () => client.login({ password })));
    load.#running = Promise.all([
      ...sessions.map((session) => load.#refresh(session)),
      load.#validate(sessions[0]?.tokens?.accessToken ?? ''),
      load.#signIn(),
    ]);
    return load;
  }

  /** Resolves when the last call is answered. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #refresh({ tokens }: LoginResponse): Promise<void> {
    let refreshToken = tokens?.refreshToken ?? '';
    await this.#repeat(this.refreshed, async () => {
      const answer = await this.#client.refresh(refreshToken);
      refreshToken = answer.tokens?.refreshToken ?? '';
    });
  }

  #validate(accessToken: string): Promise<void> {
    return this.#repeat(this.validated, () => this.#client.validate(accessToken));
  }

  #signIn(): Promise<void> {
    const { password } = this.#options;
    return this.#repeat(this.signedIn, async () => {
      const began = performance.now();
      try {
        await this.#client.login({ password });
      } finally {
        this.slowestSignInMs = Math.max(this.slowestSignInMs, performance.now() - began);
      }
    });
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
