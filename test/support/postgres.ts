import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from './eventually.ts';
import { freePort } from './redis-server.ts';

/** A trusted superuser, because this server listens on loopback only and ends with the test. */
const SUPERUSER = 'latchkey';

/** The data need not survive a power failure. It survives the end of the server. */
const FAST = ['fsync=off', 'full_page_writes=off', 'shared_buffers=16MB'];

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** A real PostgreSQL for one test, on a free port. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #identity: Identity | undefined;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, identity: Identity | undefined) {
    this.port = port;
    this.#folder = folder;
    this.#identity = identity;
  }

  static async start(): Promise<PostgresServer> {
    const identity = unprivileged();
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'));
    if (identity !== undefined) chownSync(folder, identity.uid, identity.gid);
    const options = ['--username', SUPERUSER, '--auth', 'trust', '--encoding', 'UTF8', '--no-sync'];
    execFileSync(join(binaries(), 'initdb'), ['--pgdata', join(folder, 'data'), ...options], {
      ...identity,
      cwd: folder,
      stdio: 'pipe',
    });
    const server = new PostgresServer(await freePort(), folder, identity);
    try {
      await server.resume();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts it again on the same port with its data. */
  async resume(): Promise<void> {
    const listen = [`listen_addresses=127.0.0.1`, `unix_socket_directories=${this.#folder}`];
    const child = spawn(
      join(binaries(), 'postgres'),
      [
        ...['-D', join(this.#folder, 'data'), '-p', String(this.port)],
        ...[...listen, ...FAST].flatMap((setting) => ['-c', setting]),
      ],
      { ...this.#identity, cwd: this.#folder, stdio: 'ignore' },
    );
    this.#process = child;
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
      return isAnswering(this.urlOf('postgres'));
    }, 20_000);
  }

  urlOf(database: string): string {
    return `postgres://${SUPERUSER}@127.0.0.1:${this.port}/${database}`;
  }

  /** Returns the address of a new, empty database. */
  async createDatabase(): Promise<string> {
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await this.with((client) => client.query(`create database ${name}`));
    return this.urlOf(name);
  }

  /** Runs a function with a separate connection, to inspect the store. */
  async with<T>(look: (client: Client) => Promise<T>, url: string = this.urlOf('postgres')): Promise<T> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return await look(client);
    } finally {
      await client.end();
    }
  }

  /** Freezes it: all its processes keep their connections and answer nothing until they are continued. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  /** Kills it at once, without notice to connected clients. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.pid === undefined) return;
    const exited = once(child, 'exit');
    for (const pid of [...childrenOf(child.pid), child.pid]) {
      signalIfThere(pid, 'SIGCONT');
    }
    // SIGQUIT is PostgreSQL's immediate shutdown. Unlike SIGKILL it also ends the child processes.
    child.kill('SIGQUIT');
    await exited;
  }

  /** Kills all its processes at once, like a machine that fails. */
  async crash(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    // Stops the postmaster first, because it would replace child processes that end.
    process.kill(child.pid, 'SIGSTOP');
    const all = [...childrenOf(child.pid), child.pid];
    for (const pid of all) signalIfThere(pid, 'SIGKILL');
    await exited;
    await eventually(() => !all.some(isRunning));
  }

  /** Ends every other connection of a database; returns their number. */
  async endConnections(url: string): Promise<number> {
    const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    const { rowCount } = await this.with(
      (client) => client.query(`select pg_terminate_backend(pid) ${others}`),
      url,
    );
    return rowCount ?? 0;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('PostgreSQL is not running');
    // The postmaster first, because it would replace stopped child processes.
    for (const each of [pid, ...childrenOf(pid)]) signalIfThere(each, signal);
  }
}

/** The folder of initdb and postgres: from the environment, Debian's newest, or that of pg_config on the path. */
function binaries(): string {
  const given = process.env['LATCHKEY_TEST_POSTGRES_BIN'];
  if (given !== undefined && given !== '') return given;
  const debian = '/usr/lib/postgresql';
  const [newest] = (existsSync(debian) ? readdirSync(debian) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debian, version, 'bin'))
    .filter((folder) => existsSync(join(folder, 'initdb')));
  return newest ?? execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
}

/** PostgreSQL refuses to run as root: a user it can run as instead; undefined: we are not root. */
function unprivileged(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: idOf(name, '-u'), gid: idOf(name, '-g') };
    } catch {
      // There is no user with this name.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody');
}

function idOf(name: string, which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, name], { encoding: 'utf8', stdio: 'pipe' }));
}

async function isAnswering(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

function childrenOf(pid: number): readonly number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return listed === '' ? [] : listed.split(' ').map(Number);
}

/** Whether it is still running. An ended process may remain listed until its parent has read its status. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
