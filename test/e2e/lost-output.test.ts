import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { freePort } from '../support/redis-server.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const PASSWORD = 'correct horse battery';

describe('a service without working output', () => {
  let dataDir: string;
  let port: number;
  let child: ChildProcess;
  let client: IdentityClient;
  /** A file on a full disk. */
  let full: number;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-output-'));
    port = await freePort();
    client = new IdentityClient(`127.0.0.1:${port}`);
    full = openSync('/dev/full', 'w');
  });

  afterEach(() => {
    child.kill('SIGKILL');
    client.close();
    closeSync(full);
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = (output: 'pipe' | number, errors: 'pipe' | number) => {
    child = spawn(process.execPath, [MAIN], {
      env: {
        ...COMPILE_CACHE,
        ...{ PATH: process.env['PATH'], LATCHKEY_DATA_DIR: dataDir, LATCHKEY_LOG_LEVEL: 'debug' },
        ...{ LATCHKEY_LISTEN: `127.0.0.1:${port}`, LATCHKEY_METRICS_LISTEN: 'off' },
        ...{ LATCHKEY_BCRYPT_COST: '4', LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD },
      },
      stdio: ['ignore', output, errors],
    });
  };
  const signsIn = () =>
    client.login({ password: PASSWORD }).then(
      () => true,
      () => false,
    );

  test.each<[string, () => void]>([
    ['standard output is on a full disk', () => start(full, 'pipe')],
    ['both outputs are on a full disk', () => start(full, full)],
    [
      'standard error has no reader from the start',
      () => {
        start('pipe', 'pipe');
        child.stdout?.resume();
        child.stderr?.destroy();
      },
    ],
    [
      'both have no reader from the start',
      () => {
        start('pipe', 'pipe');
        child.stdout?.destroy();
        child.stderr?.destroy();
      },
    ],
  ])('serves, and stops on a signal: %s', async (_, startIt) => {
    startIt();
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return signsIn();
    }, 20_000);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });
});
