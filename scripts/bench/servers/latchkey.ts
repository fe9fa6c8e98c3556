import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startOptions } from '../node-options.ts';
import { stop, watch } from '../processes.ts';

export interface LatchkeyServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** What the processes of one service share. */
export interface Site {
  readonly redisUrl: string;
  /** Holds the SQLite file. */
  readonly folder: string;
  /** 32 bytes. */
  readonly masterKey: Buffer;
  readonly admin: { readonly username: string; readonly password: string };
}

/** A service that does not run yet. */
export function newSite(redisUrl: string, folder: string): Site {
  return {
    redisUrl,
    folder,
    masterKey: randomBytes(32),
    admin: { username: 'bench-admin', password: randomBytes(18).toString('base64url') },
  };
}

/** How many lines of the log are kept, to be shown if the service ends by itself. */
const LOG_LINES_KEPT = 40;
const START_PATIENCE_MS = 30_000;
const root = path.resolve(import.meta.dirname, '../../..');

/**
 * The built service as `npm start` runs it, in production's settings, on Redis and an SQLite file in the folder.
 * Nothing is tuned for the bench but what `settings` and `nodeOptions` say.
 */
export async function startLatchkey(
  { redisUrl, folder, masterKey, admin }: Site,
  settings: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<LatchkeyServer> {
  const { PATH } = process.env;
  const child = watch(
    spawn(process.execPath, [...startOptions, ...nodeOptions, path.join(root, 'dist/main.js')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        NODE_ENV: 'production',
        LATCHKEY_LISTEN: '127.0.0.1:0',
        LATCHKEY_METRICS_LISTEN: 'off',
        LATCHKEY_DATA_DIR: folder,
        LATCHKEY_REDIS_URL: redisUrl,
        LATCHKEY_MASTER_KEY: masterKey.toString('base64url'),
        LATCHKEY_BOOTSTRAP_USERNAME: admin.username,
        LATCHKEY_BOOTSTRAP_PASSWORD: admin.password,
        LATCHKEY_DRAIN_DELAY: '0s',
        ...settings,
      },
    }),
    'latchkey',
  );
  const port = await announcedPort(child);
  if (child.pid === undefined) throw new Error('latchkey did not start');
  return { port, pid: child.pid, stop: () => stop(child) };
}

/** The port that the log names. The log is read to the end of the service, or a full pipe would stop it. */
async function announcedPort(child: ChildProcess): Promise<number> {
  const kept: string[] = [];
  const announced = new Promise<number>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (kept.push(line) > LOG_LINES_KEPT) kept.shift();
        const port = portIn(line);
        if (port !== undefined) resolve(port);
      });
    }
  });
  const failed = Promise.race([
    once(child, 'exit').then(([code, signal]) => `it ended with ${code ?? signal}`),
    new Promise<string>((resolve) => {
      setTimeout(resolve, START_PATIENCE_MS, 'it did not say where it listens').unref();
    }),
  ]).then((problem) => {
    throw new Error(`latchkey did not start: ${problem}\n${kept.join('\n')}`);
  });
  failed.catch(() => undefined);
  return await Promise.race([announced, failed]);
}

/** The port of a loopback address in one line of the log that is JSON. Redis has its address there too. */
export function portIn(line: string): number | undefined {
  if (!line.startsWith('{') || line.includes('redis://')) return undefined;
  const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
  return port === undefined || port === '0' ? undefined : Number(port);
}
