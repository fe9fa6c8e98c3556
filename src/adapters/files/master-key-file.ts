import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Failure } from '../../core/failure.ts';
import { MASTER_KEY_MIN_BYTES } from '../../core/keys/master-key.ts';
import { modeOf, type OpenFile, openFile } from './owned-file.ts';
import { makeFolder } from './owned-folder.ts';

const KEY_BYTES = 32;
const OWNER_ONLY_FILE = 0o600;
const OTHERS = 0o077;
/** Far more than any key; nobody's file of gigabytes is read. */
const MAX_FILE_BYTES = 4096;

/**
 * The master key of the embedded mode: base64url and a line end, in a file that only its owner can read. It is
 * made, with its folder, when it is first asked for, and never again: of several processes that begin at once all
 * get the same one. Throws INTERNAL, and says what to do, if the file can be read by others or holds no key.
 */
export function readOrMakeMasterKey(file: string): Buffer {
  const found = readKey(file);
  if (found !== undefined) return found;
  makeKey(file);
  const made = readKey(file);
  if (made === undefined) throw unusable(file, 'vanished while it was being made');
  return made;
}

/** Undefined: there is no such file. */
function readKey(file: string): Buffer | undefined {
  const found = openIfThere(file);
  if (found === undefined) return undefined;
  const { descriptor, stats } = found;
  try {
    if ((stats.mode & OTHERS) !== 0 && process.platform !== 'win32') {
      const shown = modeOf(stats);
      throw unusable(file, `can be read or changed by others (mode ${shown}); run: chmod 600 ${file}`);
    }
    const uid = process.getuid?.();
    if (uid !== undefined && stats.uid !== uid) {
      throw unusable(file, `belongs to another user (uid ${stats.uid}), who then knows the key`);
    }
    if (stats.size > MAX_FILE_BYTES) throw unusable(file, 'is too long to be a key');
    return parseKey(file, readFileSync(descriptor, 'utf8'));
  } finally {
    closeSync(descriptor);
  }
}

function openIfThere(file: string): OpenFile | undefined {
  try {
    return openFile(file);
  } catch (cause) {
    throw cause instanceof Failure ? cause : unusable(file, 'cannot be opened', cause);
  }
}

function parseKey(file: string, content: string): Buffer {
  const text = content.trimEnd();
  const key = Buffer.from(text, 'base64url');
  if (key.length < MASTER_KEY_MIN_BYTES || key.toString('base64url') !== text) {
    throw unusable(
      file,
      `does not hold base64url of at least ${MASTER_KEY_MIN_BYTES} bytes; bring back the one that was there`,
    );
  }
  return key;
}

/**
 * Written and synced under another name first and then linked to its own, which fails if that is taken: no
 * process, and no crash, ever sees half a key, and none takes the place of another.
 */
function makeKey(file: string): void {
  const folder = path.dirname(file);
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    makeFolder(folder);
    writeSynced(draft, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
    try {
      linkSync(draft, file);
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) throw cause;
    } finally {
      unlinkSync(draft);
    }
    syncFolder(folder);
  } catch (cause) {
    throw unusable(file, 'cannot be made', cause);
  }
}

function writeSynced(file: string, content: string): void {
  const descriptor = openSync(file, 'wx', OWNER_ONLY_FILE);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes the name durable, not only the bytes. Windows has no such thing. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unusable(file: string, problem: string, cause?: unknown): Failure {
  return new Failure('INTERNAL', `The master key ${file} ${problem}.`, { cause });
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
