import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { RedisAddress } from '../../src/adapters/redis/connection.ts';
import { type ComposeFile, readCompose } from './compose-file.ts';
import { RedisServer } from './redis-server.ts';
import { singleRedis } from './redis-stores.ts';

/** The values that a user sets before the first start. */
export const COMPOSE_VARIABLES = {
  LATCHKEY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64url'),
  LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
  REDIS_PASSWORD: 'a0b1c2d3e4f5',
  POSTGRES_PASSWORD: 'a0b1c2d3e4f5',
} as const;

const password = COMPOSE_VARIABLES.REDIS_PASSWORD;

/** The users of the Redis of docker-compose.yml, as its ACL file has them. */
export function composeUsers(): string {
  return contentOf(readCompose(COMPOSE_VARIABLES));
}

/** The Redis of docker-compose.yml, with its options and users, on this machine's redis-server. */
export class ComposeRedis {
  readonly server: RedisServer;
  readonly #folder: string;

  private constructor(server: RedisServer, folder: string) {
    this.server = server;
    this.#folder = folder;
  }

  /** @param users the ACL file; default: the one of docker-compose.yml. */
  static async start(users?: string): Promise<ComposeRedis> {
    const compose = readCompose(COMPOSE_VARIABLES);
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-compose-'));
    const file = path.join(folder, 'users.acl');
    // One more user, so that a test can inspect the store.
    writeFileSync(file, `${users ?? contentOf(compose)}user tester on >${password} ~* &* +@all\n`);
    const [program, ...flags] = compose.services['redis']?.command ?? [];
    if (program !== 'redis-server') throw new Error(`docker-compose.yml starts ${program}, not redis-server`);
    const server = await RedisServer.start(
      ...flags.map((flag) => (flag === '/etc/redis/users.acl' ? file : flag)),
    );
    return new ComposeRedis(server, folder);
  }

  /** As latchkey connects to it. */
  get address(): RedisAddress {
    return { ...singleRedis(this.server.port), username: 'latchkey', password };
  }

  async asTester<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.server.port, '127.0.0.1', { username: 'tester', password });
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function contentOf(compose: ComposeFile): string {
  const content = compose.configs['redis-users']?.content;
  if (content === undefined) throw new Error('docker-compose.yml has no config redis-users');
  return content;
}
