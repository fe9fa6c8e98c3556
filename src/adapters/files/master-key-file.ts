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
/** Far longer than any key. Prevents reading a huge file. */
const MAX_FILE_BYTES = 4096;

/**
 * Reads the master key of embedded mode: base64url and a newline, in a file that only its owner can read. The first
 * call creates the file and its folder. Processes that start at the same time all get the same key. Throws INTERNAL,
 * with what to do, if others can read the file or it holds no key.
 */
export function readOrMakeMasterKey(file: string): Buffer {
  const found = readKey(file);
  if (found !== undefined) return found;
  makeKey(file);
  const made = readKey(file);
  if (made === undefined) throw unusable(file, 'disappeared while it was being created');
  return made;
}

/** Returns undefined if the file does not exist. */
function readKey(file: string): Buffer | undefined {
  const found = openIfExists(file);
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

function openIfExists(file: string): OpenFile | undefined {
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
      `does not hold base64url of at least ${MASTER_KEY_MIN_BYTES} bytes; restore the original file`,
    );
  }
  return key;
}

/**
 * Writes and syncs a draft, then links it to the final name, which fails if that exists. So neither another process
 * nor a crash leaves a partial key, and no key replaces another.
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

/** Makes the new name durable, not only the content. Windows does not support this. */
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
