import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { COMPILE_CACHE } from './compile-cache.ts';
import { eventually } from './eventually.ts';

export interface LatchkeyExit {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: readonly Record<string, unknown>[];
  readonly errors: string;
}

/** A process that should end and does not is killed after this time, so that it cannot outlive its test. */
const END_LIMIT_MS = 20_000;
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** The service as a separate process, run from its sources and configured by its environment. */
export class LatchkeyProcess {
  readonly #child: ChildProcess;
  readonly #log: Record<string, unknown>[] = [];
  readonly #exited: Promise<Pick<LatchkeyExit, 'code' | 'signal'>>;
  #errors = '';
  #address = '';
  #metricsUrl = '';

  private constructor(
    environment: Readonly<Record<string, string>>,
    main = MAIN,
    nodeOptions: readonly string[] = [],
  ) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(process.execPath, [...nodeOptions, main], {
      env: {
        ...{ PATH, HOME, ...COMPILE_CACHE },
        ...{
          LATCHKEY_LISTEN: '127.0.0.1:0',
          LATCHKEY_METRICS_LISTEN: '127.0.0.1:0',
          LATCHKEY_BCRYPT_COST: '4',
        },
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
    this.#child.stderr?.on('data', (text) => {
      this.#errors += String(text);
    });
  }

  /** Resolves when it serves; fails if it ends before. @param main default: the sources. */
  static async start(
    environment: Readonly<Record<string, string>>,
    main = MAIN,
    nodeOptions: readonly string[] = [],
  ): Promise<LatchkeyProcess> {
    const service = new LatchkeyProcess(environment, main, nodeOptions);
    const serving = Promise.withResolvers<void>();
    service.#read(serving.resolve);
    const ended = service.#exited.then(({ code, signal }) => {
      throw new Error(`latchkey ended with ${code ?? signal}: ${service.#errors}`);
    });
    ended.catch(() => undefined);
    await Promise.race([serving.promise, ended]);
    // The log and the messages for people use different pipes.
    await eventually(() => /latchkey serves gRPC on[\s\S]*\n$/.test(service.#errors));
    return service;
  }

  /** Starts one that is expected to end. */
  static run(environment: Readonly<Record<string, string>>): Promise<LatchkeyExit> {
    return LatchkeyProcess.begin(environment).end();
  }

  /** Starts one and does not wait until it serves. */
  static begin(environment: Readonly<Record<string, string>>): LatchkeyProcess {
    const service = new LatchkeyProcess(environment);
    service.#read(() => undefined);
    return service;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get address(): string {
    return this.#address;
  }

  get metricsUrl(): string {
    return this.#metricsUrl;
  }

  /** Its messages for people. */
  get errors(): string {
    return this.#errors;
  }

  get log(): readonly Record<string, unknown>[] {
    return this.#log;
  }

  /** Freezes it: it keeps its connections and answers nothing until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<LatchkeyExit> {
    if (this.#child.exitCode === null) this.#child.kill(signal);
    return this.#exit();
  }

  /** Resolves when it has ended, or was killed because it did not. */
  async end(): Promise<LatchkeyExit> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
    try {
      return await this.#exit();
    } finally {
      clearTimeout(timer);
    }
  }

  async #exit(): Promise<LatchkeyExit> {
    return { ...(await this.#exited), log: this.#log, errors: this.#errors };
  }

  #read(onServing: () => void): void {
    if (this.#child.stdout === null) return;
    createInterface(this.#child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      this.#log.push(entry);
      if (entry['msg'] !== 'serving') return;
      this.#address = String(entry['address']);
      this.#metricsUrl = String(entry['metrics']);
      onServing();
    });
  }
}
