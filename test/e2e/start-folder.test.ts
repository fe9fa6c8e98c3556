import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-start-'));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

/** Its message for people: one line that begins with the variable. */
async function toldOf(environment: Record<string, string>): Promise<string> {
  const exit = await LatchkeyProcess.run(environment);
  expect(exit).toMatchObject({ code: 1, signal: null });
  expect(exit.errors).toMatch(/^latchkey: LATCHKEY_DATA_DIR: [^\n]+\.\n$/);
  return exit.errors;
}

test('a start with a folder that cannot be created fails with a message', async () => {
  expect(await toldOf({ LATCHKEY_DATA_DIR: '/proc/nope' })).toContain('/proc/nope cannot be created: ENOENT');
});

test('a start with a pipe as master key fails with a message', async () => {
  const file = join(dataDir, 'master-key');
  execFileSync('mkfifo', ['-m', '600', file]);
  expect(await toldOf({ LATCHKEY_DATA_DIR: dataDir })).toContain(`${file} is not a file`);
});
