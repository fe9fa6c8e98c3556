import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lockFolder } from '../../src/adapters/files/folder-lock.ts';
import { readOrMakeMasterKey } from '../../src/adapters/files/master-key-file.ts';
import { checkFile } from '../../src/adapters/files/owned-file.ts';

const STRANGER = 54_321;
const asRoot = process.getuid?.() === 0 ? test : test.skip;

let root: string;
let file: string;

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'latchkey-'));
  file = path.join(root, 'file');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function fileOf(mode: number): void {
  writeFileSync(file, '');
  chmodSync(file, mode);
}

describe('a file of the data folder', () => {
  test('may be missing', () => {
    checkFile(file);
  });

  test.each([0o600, 0o640, 0o644, 0o400])('may be readable by others: mode %o', (mode) => {
    fileOf(mode);
    checkFile(file);
  });

  test.each([0o620, 0o602, 0o664, 0o666])('is refused if others may write it: mode %o', (mode) => {
    fileOf(mode);
    expect(() => checkFile(file)).toThrow(
      `${file} can be changed by others (mode ${mode.toString(8)}). Run: chmod go-w ${file}`,
    );
  });

  asRoot('is refused if it belongs to another user', () => {
    fileOf(0o600);
    chownSync(file, STRANGER, STRANGER);
    expect(() => checkFile(file)).toThrow(
      `${file} belongs to another user (uid ${STRANGER}). Run: chown 0 ${file}`,
    );
  });

  test('is refused if it is a link: SQLite would write its log beside the target', () => {
    symlinkSync(path.join(root, 'elsewhere'), file);
    expect(() => checkFile(file)).toThrow(`${file} is a symbolic link. Put the file itself there`);
  });
});

test('is refused if it is a device', () => {
  for (const open of [checkFile, readOrMakeMasterKey]) {
    expect(() => open('/dev/zero')).toThrow('/dev/zero is not a file');
  }
});

/** Every function that opens a file in the data folder. */
const OPENERS = {
  checkFile: () => checkFile(file),
  readOrMakeMasterKey: () => readOrMakeMasterKey(file),
  lockFolder: () => {
    file = path.join(root, 'in-memory.lock');
    return lockFolder(root, 'Stop it.');
  },
};

describe.each(Object.keys(OPENERS) as (keyof typeof OPENERS)[])(
  'is refused if it is not a regular file: %s',
  (opener) => {
    const open = OPENERS[opener];
    beforeEach(() => {
      if (opener === 'lockFolder') file = path.join(root, 'in-memory.lock');
    });

    test('is refused at once if it is a pipe without a writer', () => {
      execFileSync('mkfifo', ['-m', '600', file]);
      expect(open).toThrow(`${file} is not a file`);
    });

    test('is refused if it is a socket', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(file, resolve));
      expect(open).toThrow(`${file} is not a file`);
      await new Promise((resolve) => server.close(resolve));
    });

    test('is refused if it is a folder', () => {
      mkdirSync(file, { mode: 0o700 });
      expect(open).toThrow(`${file} is not a file`);
    });

    test('is refused if it is a link', () => {
      symlinkSync(path.join(root, 'elsewhere'), file);
      expect(open).toThrow(`${file} is a symbolic link`);
    });
  },
);
