import type { SharedTokenStore, StoredToken } from '../../core/sign-in/shared-token.ts';
import type { Clock } from '../../validator/clock.ts';
import { answerInTime } from '../answer-in-time.ts';
import type { RedisClient } from './connection.ts';
import { sharedTokenKeys } from './keys.ts';
import { Script } from './script.ts';
import { ScriptRunner } from './script-runner.ts';
import { timeOf } from './stored-values.ts';

export interface RedisSharedTokenStoreOptions {
  readonly commands: RedisClient;
  /** Time limit of each operation; milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const lease = new Script('lease-token', []);
const replace = new Script('replace-token', []);

/** Stores shared tokens in Redis: a hash for each, and a key for its lease. */
export class RedisSharedTokenStore implements SharedTokenStore {
  readonly #options: RedisSharedTokenStoreOptions;
  readonly #runner: ScriptRunner;

  constructor(options: RedisSharedTokenStoreOptions) {
    this.#options = options;
    const { commands: client, deadlineMs, clock } = options;
    this.#runner = new ScriptRunner({ client, deadlineMs, clock });
  }

  read(name: string): Promise<StoredToken | undefined> {
    return this.#inTime(async () => {
      const { commands } = this.#options;
      const { token, expires_at: expiry } = await commands.hgetall(sharedTokenKeys(name).token);
      const expiresAt = timeOf(expiry);
      return token === undefined || expiresAt === undefined ? undefined : { token, expiresAt };
    });
  }

  lease(name: string, holder: string, leaseMs: number): Promise<boolean> {
    return this.#inTime(async () => {
      return (await this.#runner.run(lease, [sharedTokenKeys(name).lease], [holder, leaseMs])) === 1;
    });
  }

  async replace(name: string, holder: string, token: StoredToken | undefined, now: number): Promise<void> {
    const keys = sharedTokenKeys(name);
    const { token: text, expiresAt } = token ?? { token: '', expiresAt: now };
    const args = [holder, text, expiresAt, Math.max(1, expiresAt - now)];
    await this.#inTime(() => this.#runner.run(replace, [keys.token, keys.lease], args));
  }

  #inTime<T>(operation: () => Promise<T>): Promise<T> {
    return answerInTime('sessions', this.#options.deadlineMs, operation);
  }
}
