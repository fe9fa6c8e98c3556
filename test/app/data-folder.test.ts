import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Closers } from '../../src/app/closers.ts';
import { openDataFolder, openMasterKeys } from '../../src/app/data-folder.ts';
import type { Config } from '../../src/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

let folder: string;
let dataDir: string;
let closers: Closers;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-data-')));
  dataDir = join(folder, 'data');
  closers = new Closers();
});

afterEach(async () => {
  await closers.close();
  rmSync(folder, { recursive: true, force: true });
});

const inFolder = (name: string) => join(dataDir, name);

/** As the service opens it; by default with all files. */
async function open(given: Record<string, unknown> = {}): Promise<void> {
  const embedded = { dataDir, databaseUrl: undefined, masterKeys: undefined, redis: { kind: 'none' } };
  const config = { ...embedded, ...given } as unknown as Config;
  await openDataFolder({ config, closers });
  await openMasterKeys({ config, logger: createLogger('silent', { write: () => undefined }) });
}

async function messageOf(given: Record<string, unknown> = {}): Promise<string> {
  const fault = await open(given).then(
    () => undefined,
    (error: Error) => error,
  );
  expect(fault?.message).toMatch(/^LATCHKEY_DATA_DIR: [^\n]+\.$/);
  return fault?.message ?? '';
}

describe('the data folder', () => {
  test('is created with its files, for this user only', async () => {
    await open();
    for (const name of ['', 'in-memory.lock', 'master-key']) {
      expect(statSync(inFolder(name)).mode & 0o077).toBe(0);
    }
  });

  test('may be a link, for example to a volume', async () => {
    mkdirSync(join(folder, 'volume'));
    symlinkSync('volume', dataDir);
    await open();
    expect(existsSync(join(folder, 'volume', 'master-key'))).toBe(true);
  });

  test.each(['/proc/nope', '/proc/self/nope'])('is refused if it cannot be created: %s', async (path) => {
    const message = await messageOf({ dataDir: path });
    expect(message).toContain(`${path} cannot be created: `);
    expect(message).toContain('ENOENT: no such file or directory');
    expect(message).toContain('. Set it to a folder that this process can write to.');
  });

  test.each(['folder', 'folder/below'])('is refused if a parent is a file: %s', async (path) => {
    writeFileSync(join(folder, 'folder'), '');
    expect(await messageOf({ dataDir: join(folder, path) })).toContain(
      `${join(folder, path)} is not a folder. Set it`,
    );
  });

  test('is refused if a link leads to nothing', async () => {
    symlinkSync(join(folder, 'volume'), dataDir);
    expect(await messageOf()).toContain(
      `${dataDir} is a symbolic link to ${folder}/volume, which is not a folder.`,
    );
  });

  test('is refused if others may write in it, before anything is created there', async () => {
    mkdirSync(dataDir);
    chmodSync(dataDir, 0o777);
    expect(await messageOf()).toContain(`${dataDir} can be changed by others (mode 777)`);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test('is refused behind a link that others may replace, before anything is created there', async () => {
    mkdirSync(join(folder, 'shared'));
    chmodSync(join(folder, 'shared'), 0o777);
    symlinkSync(folder, join(folder, 'shared', 'link'));
    const message = await messageOf({ dataDir: join(folder, 'shared', 'link', 'data') });
    expect(message).toContain('shared/link is a symbolic link in a folder that others may write in');
    expect(existsSync(dataDir)).toBe(false);
  });

  test('is not checked if it is not used', async () => {
    const elsewhere = {
      databaseUrl: 'postgres://',
      masterKeys: [Buffer.alloc(32)],
      redis: { kind: 'single' },
    };
    await open({ ...elsewhere, dataDir: '/proc/nope' });
  });
});

describe('a file of the data folder', () => {
  beforeEach(() => {
    mkdirSync(dataDir, { mode: 0o700 });
  });

  test.each(['latchkey.db', 'latchkey.db-wal', 'latchkey.db-shm', 'latchkey.db-journal', 'in-memory.lock'])(
    'is refused if others may write it: %s',
    async (name) => {
      writeFileSync(inFolder(name), '');
      chmodSync(inFolder(name), 0o666);
      const path = inFolder(name);
      expect(await messageOf()).toBe(
        `LATCHKEY_DATA_DIR: ${path} can be changed by others (mode 666). Run: chmod go-w ${path}.`,
      );
    },
  );

  const names = ['latchkey.db', 'latchkey.db-wal', 'in-memory.lock', 'master-key'];

  test.each(names)('is refused if it is a pipe, which would block: %s', async (name) => {
    execFileSync('mkfifo', ['-m', '600', inFolder(name)]);
    expect(await messageOf()).toContain(`${inFolder(name)} is not a file. Remove what is there.`);
  });

  test.each(names)('is refused if it is a link: %s', async (name) => {
    symlinkSync(join(folder, 'elsewhere'), inFolder(name));
    expect(await messageOf()).toContain(`${inFolder(name)} is a symbolic link. Put the file itself there.`);
  });

  test('is not checked if it is not used', async () => {
    writeFileSync(inFolder('latchkey.db'), '');
    chmodSync(inFolder('latchkey.db'), 0o666);
    await open({ databaseUrl: 'postgres://' });
  });
});
