import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { JWK } from 'jose';
import type { User } from '../../src/core/user/user.ts';
import { TestKey } from './test-keys.ts';

/** The start options of a process. */
export interface Setting {
  readonly redisPort: number;
  readonly privateJwk: JWK;
  readonly macKey: Uint8Array;
  readonly startMs: number;
}

interface Common {
  readonly id: number;
  readonly user: User;
  /** How many turns of its event loop the process waits first. */
  readonly turns: number;
}

/** A request to a process. */
export type Order = Common &
  (
    | { readonly kind: 'forget' }
    | { readonly kind: 'open'; readonly platform?: string; readonly endSessionId?: string }
    | { readonly kind: 'refresh' | 'logout'; readonly token: string }
    /** STRONG, unless a revision is required. */
    | { readonly kind: 'validate'; readonly token: string; readonly atLeastRevision?: string }
  );

export interface Outcome {
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly revision?: string;
  readonly verdict?: string;
  readonly sessionId?: string;
  /** The reason of the failure; `session-limit` for a sign-in that the device policy refuses. */
  readonly failed?: string;
}

export interface Reply {
  readonly id: number;
  readonly outcome: Outcome;
}

type Task = Order extends infer Each ? (Each extends Order ? Omit<Each, 'id'> : never) : never;

const START_MS = Date.UTC(2026, 0, 1);
const PROCESS = new URL('./session-server.ts', import.meta.url).pathname;

/** Processes that share the sessions in one Redis and one key, without gRPC and passwords, so that they are fast. */
export class SessionServers {
  readonly #children: readonly ChildProcess[];
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #lastId = 0;

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
    for (const child of children) {
      child.on('message', ({ id, outcome }: Reply) => {
        this.#waiting.get(id)?.(outcome);
        this.#waiting.delete(id);
      });
    }
  }

  static async start(count: number, redisPort: number): Promise<SessionServers> {
    const privateJwk = await (await TestKey.make()).toJwk();
    const setting: Setting = { redisPort, privateJwk, macKey: randomBytes(32), startMs: START_MS };
    const children = await Promise.all(
      Array.from({ length: count }, async () => {
        const child = fork(PROCESS, {
          execArgv: ['--disable-warning=ExperimentalWarning'],
          serialization: 'advanced',
        });
        child.send(setting);
        await once(child, 'message');
        return child;
      }),
    );
    return new SessionServers(children);
  }

  get count(): number {
    return this.#children.length;
  }

  /** Sends a request to process number `index`. */
  ask(index: number, task: Task): Promise<Outcome> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#children[index]?.send({ ...task, id } satisfies Order);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null) return;
        child.send('close');
        await once(child, 'exit');
      }),
    );
  }
}
