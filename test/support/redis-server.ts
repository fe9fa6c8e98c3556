import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';

/** A real Redis for one test, on a free port. By default nothing is stored on disk. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #flags: readonly string[];
  /** A configuration file, or none. */
  readonly #files: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, flags: readonly string[], files: readonly string[] = []) {
    this.port = port;
    this.#files = files;
    this.#folder = folder;
    this.#flags = flags;
  }

  /** @param flags further command-line options of redis-server. */
  static async start(...flags: readonly string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-redis-'));
    const server = new RedisServer(await freePort(), folder, flags);
    await server.resume();
    return server;
  }

  /**
   * A replica of another server, with all its data.
   *
   * @param port of the other server, or of a proxy in between.
   */
  static async startReplica(port: number, ...flags: readonly string[]): Promise<RedisServer> {
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', String(port), ...flags);
    await replica.following();
    return replica;
  }

  /** A sentinel that monitors the Redis at a port of this machine as `main`; with TLS among the flags, over TLS. */
  static async startSentinel(masterPort: number, ...flags: readonly string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    const monitor = `sentinel monitor main 127.0.0.1 ${masterPort} 1`;
    writeFileSync(file, flags.includes('--tls-port') ? `tls-replication yes\n${monitor}` : monitor);
    const sentinel = new RedisServer(await freePort(), folder, ['--sentinel', ...flags], [file]);
    await sentinel.resume();
    return sentinel;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the same port. Its memory is lost, its data on disk is not. */
  async resume(): Promise<void> {
    const gone = once(this.launch(), 'exit').then(([code]) => {
      throw new Error(`redis-server ended with ${code}`);
    });
    gone.catch(() => undefined);
    await answering(this.port, gone);
  }

  /** Starts it again and does not wait until it answers. @param more options, for this time only. */
  launch(...more: readonly string[]): ChildProcess {
    const flags = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''];
    const common = ['--maxmemory-policy', 'noeviction', '--repl-diskless-sync-delay', '0'];
    const all = [...this.#files, ...flags, ...common, ...this.#flags, ...more];
    this.#process = spawn('redis-server', all, { stdio: 'ignore' });
    return this.#process;
  }

  /** Resolves when this replica has all data of its primary and has reported that. WAIT does not count it before. */
  async following(): Promise<void> {
    const own = await this.with((redis) => redis.info('replication'));
    const upstream = Number(/master_port:(\d+)/.exec(own)?.[1]);
    await eventually(() =>
      lookAt(upstream, async (redis) => {
        await redis.set('written-for-the-replica', '');
        await redis.wait(1, 20);
        const seen = await redis.info('replication');
        return new RegExp(`port=${this.port},state=online,offset=[1-9]`).test(seen);
      }),
    );
  }

  /** Makes a replica a primary, as a failover does. */
  async promote(): Promise<void> {
    await this.with((redis) => redis.replicaof('NO', 'ONE'));
  }

  /** Freezes it: it keeps its connections and answers nothing until it is continued. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs a function with a separate connection, to inspect the store. */
  async with<T>(look: (redis: Redis) => Promise<T>): Promise<T> {
    return lookAt(this.port, look);
  }
}

async function lookAt<T>(port: number, look: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(port, '127.0.0.1');
  try {
    return await look(redis);
  } finally {
    redis.disconnect();
  }
}

/** A free port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answering(port: number, gone: Promise<never>): Promise<void> {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  // An error about a missing password also shows that it is up.
  const answer = redis.ping().catch(() => undefined);
  try {
    await Promise.race([answer, gone]);
  } finally {
    redis.disconnect();
  }
}
