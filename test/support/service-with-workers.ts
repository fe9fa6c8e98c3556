import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { IdentityClient } from './identity-client.ts';
import { LatchkeyProcess } from './latchkey-process.ts';
import { RedisServer } from './redis-server.ts';

const READY_WITHIN_MS = 15_000;

/** The service with several workers, and its dependencies. */
export class ServiceWithWorkers {
  static readonly PASSWORD = 'correct horse battery';
  readonly dataDir: string;
  readonly process: LatchkeyProcess;
  readonly #opened: (() => unknown)[];

  private constructor(dataDir: string, service: LatchkeyProcess, opened: (() => unknown)[]) {
    this.dataDir = dataDir;
    this.process = service;
    this.#opened = opened;
  }

  /** Resolves when every worker is ready. @param environment default: three workers. */
  static async start(environment: Record<string, string> = {}): Promise<ServiceWithWorkers> {
    const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-workers-'));
    const redis = await RedisServer.start();
    const opened = [() => rmSync(dataDir, { recursive: true, force: true }), () => redis.stop()];
    const service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_REDIS_URL: redis.url,
      LATCHKEY_WORKERS: '3',
      LATCHKEY_BOOTSTRAP_PASSWORD: ServiceWithWorkers.PASSWORD,
      ...environment,
    });
    opened.push(() => service.stop());
    const started = new ServiceWithWorkers(dataDir, service, opened);
    await eventually(() => started.isReady(), READY_WITHIN_MS);
    return started;
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.process.metricsUrl}/readyz`)).status === 200;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.process.metricsUrl}/metrics`)).text();
  }

  /** A client with its own connection. The workers get these in turn. */
  client(): IdentityClient {
    const made = new IdentityClient(this.process.address, { 'grpc.use_local_subchannel_pool': 1 });
    this.#opened.push(() => made.close());
    return made;
  }

  logged(msg: string): readonly Record<string, unknown>[] {
    return this.process.log.filter((entry) => entry['msg'] === msg);
  }

  /** The processes of the running workers, whether or not they serve yet. */
  workerPids(): readonly number[] {
    const { pid } = this.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.trim().split(' ').filter(Boolean).map(Number);
  }

  /** Closes the clients, and stops the service and Redis. */
  async stop(): Promise<void> {
    for (const close of this.#opened.splice(0).reverse()) await close();
  }
}

/** The targets of the descriptors of a process, for example `socket:[4711]` or a path. */
export function descriptorsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(join(folder, descriptor));
    } catch {
      // Closed since the folder was read.
      return '';
    }
  });
}
