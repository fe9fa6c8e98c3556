import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkFolder, makeFolder } from '../../src/adapters/files/owned-folder.ts';

const STRANGER = 54_321;
/** Only root can change the owner of a file. */
const asRoot = process.getuid?.() === 0 ? test : test.skip;

let root: string;
let folder: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'latchkey-')));
  folder = path.join(root, 'data');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function folderOf(mode: number, name = 'data'): string {
  const made = path.join(root, name);
  mkdirSync(made);
  chmodSync(made, mode);
  return made;
}

function link(target: string, at: string): string {
  symlinkSync(target, at);
  return at;
}

describe('creating a folder', () => {
  test('creates its parents too, for this user only', () => {
    makeFolder(path.join(folder, 'deep', 'below'));
    for (const made of ['data', 'data/deep', 'data/deep/below']) {
      expect(statSync(path.join(root, made)).mode & 0o777).toBe(0o700);
    }
  });

  test('does not change an existing folder, also behind a link', () => {
    folderOf(0o755);
    makeFolder(link(folder, path.join(root, 'link')));
    expect(statSync(folder).mode & 0o777).toBe(0o755);
  });

  test.each(['/proc/nope', '/proc/nope/below', '/proc/1/nope'])(
    'fails if the path cannot be created: %s',
    (at) => {
      expect(() => makeFolder(at)).toThrow(expect.objectContaining({ syscall: 'mkdir' }));
    },
  );

  test('fails if the path is a file', () => {
    writeFileSync(folder, '');
    expect(() => makeFolder(folder)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeFolder(path.join(folder, 'below'))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  });

  test('names the target of a link that leads to a missing folder', () => {
    link(path.join(root, 'gone'), folder);
    expect(() => makeFolder(folder)).toThrow(
      `${folder} is a symbolic link to ${root}/gone, which is not a folder`,
    );
  });
});

describe('a folder', () => {
  test.each([0o700, 0o750, 0o755, 0o711])('may be readable by others: mode %o', (mode) => {
    checkFolder(folderOf(mode));
  });

  test('may be missing', () => {
    checkFolder(path.join(folder, 'below'));
  });

  test.each([0o770, 0o775, 0o707, 0o777, 0o1777, 0o2775])(
    'is refused if others may write in it: mode %o',
    (mode) => {
      folderOf(mode);
      const shown = mode.toString(8);
      expect(() => checkFolder(folder)).toThrow(
        `${folder} can be changed by others (mode ${shown}), who could replace the database and the master key. ` +
          `Run: chmod go-w ${folder}, or name another folder`,
      );
    },
  );

  asRoot('is refused if it belongs to another user', () => {
    chownSync(folderOf(0o700), STRANGER, STRANGER);
    expect(() => checkFolder(folder)).toThrow(
      `${folder} belongs to another user (uid ${STRANGER}), who could replace the database and the master key. ` +
        `Run: chown 0 ${folder}, or name another folder`,
    );
  });

  test('may be reached by a chain of links of this user or root', () => {
    folderOf(0o700);
    link('data', path.join(root, 'second'));
    link(path.join(root, 'second'), path.join(root, 'first'));
    checkFolder(path.join(root, 'first'));
    checkFolder(path.join(root, 'first', 'below'));
  });

  test('is checked at the target of a link', () => {
    folderOf(0o777);
    expect(() => checkFolder(link(folder, path.join(root, 'link')))).toThrow(
      'can be changed by others (mode 777)',
    );
  });

  test.each(['link', 'link/below', 'link/../link'])(
    'is refused behind a link that others may replace: %s',
    (way) => {
      folderOf(0o700);
      const shared = folderOf(0o777, 'shared');
      link(folder, path.join(shared, 'link'));
      expect(() => checkFolder(`${shared}/${way}`)).toThrow(
        `${shared}/link is a symbolic link in a folder that others may write in (mode 777), who could change its target. ` +
          `Name the folder that it leads to: ${folder}`,
      );
    },
  );

  test('may be reached by a link of this user in a sticky folder such as /tmp', () => {
    folderOf(0o700);
    checkFolder(link(folder, path.join(folderOf(0o1777, 'shared'), 'link')));
  });

  asRoot.each([0o700, 0o1777])('is refused behind a link of another user, in a folder of mode %o', (mode) => {
    folderOf(0o700);
    const theirs = link(folder, path.join(folderOf(mode, 'shared'), 'link'));
    lchownSync(theirs, STRANGER, STRANGER);
    expect(() => checkFolder(theirs)).toThrow(
      `${theirs} is a symbolic link of another user (uid ${STRANGER}), who could change its target. ` +
        `Name the folder that it leads to: ${folder}`,
    );
  });

  asRoot('is refused behind a link in a folder of another user', () => {
    folderOf(0o700);
    const shared = folderOf(0o755, 'shared');
    const ours = link(folder, path.join(shared, 'link'));
    chownSync(shared, STRANGER, STRANGER);
    expect(() => checkFolder(ours)).toThrow(
      `${ours} is a symbolic link in a folder of another user (uid ${STRANGER})`,
    );
  });

  test('is refused if its links form a circle', () => {
    link(path.join(root, 'two'), path.join(root, 'one'));
    link(path.join(root, 'one'), path.join(root, 'two'));
    expect(() => checkFolder(path.join(root, 'one'))).toThrow(
      `${root}/one is behind too many symbolic links`,
    );
  });

  test('is refused if it is a file', () => {
    writeFileSync(folder, '');
    expect(() => checkFolder(folder)).toThrow(`${folder} is not a folder`);
  });
});
