import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IdentityClient } from './identity-client.ts';
import { LatchkeyProcess } from './latchkey-process.ts';
import { RedisServer } from './redis-server.ts';

/** Services that share one Redis and one data folder. */
export class ServicesOnRedis {
  readonly redis: RedisServer;
  readonly #folder = mkdtempSync(join(tmpdir(), 'latchkey-services-'));
  readonly #closers: (() => unknown)[] = [];

  private constructor(redis: RedisServer) {
    this.redis = redis;
    this.onClose(() => rmSync(this.#folder, { recursive: true, force: true }));
    this.onClose(() => redis.stop());
  }

  static async open(): Promise<ServicesOnRedis> {
    return new ServicesOnRedis(await RedisServer.start());
  }

  /** Starts one more service. @param password the password of `admin`. */
  async start(password: string) {
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: this.#folder,
      LATCHKEY_REDIS_URL: this.redis.url,
      LATCHKEY_BOOTSTRAP_PASSWORD: password,
    });
    this.onClose(() => service.stop());
    const identity = new IdentityClient(service.address);
    this.onClose(() => identity.close());
    return { service, identity };
  }

  onClose(closer: () => unknown): void {
    this.#closers.push(closer);
  }

  /** Closes everything, what was opened last first. */
  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer();
  }
}
