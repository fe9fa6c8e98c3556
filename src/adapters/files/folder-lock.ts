import { constants } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Failure } from '../../core/failure.ts';
import { checkFile } from './owned-file.ts';

const LOCK_FILE = 'in-memory.lock';
/** The low byte of SQLite's extended result codes, https://sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;

/**
 * Makes this process the only one that keeps sessions in memory beside the users of this folder: of two, each would
 * accept what the other has ended. The lock is one of the kernel's, on an empty SQLite file, so it ends with the
 * process however that ends. Answers what releases it; throws INTERNAL if another process has it or it cannot be made.
 *
 * @param remedy what to do where another process has it.
 */
export function lockFolder(folder: string, remedy: string): () => void {
  const file = path.join(folder, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    checkFile(file, constants.O_RDWR | constants.O_CREAT);
    const opened = new DatabaseSync(file, { timeout: 0 });
    database = opened;
    opened.exec('pragma locking_mode = exclusive; begin exclusive');
    return () => opened.close();
  } catch (cause) {
    database?.close();
    if (cause instanceof Failure) throw cause;
    throw new Failure('INTERNAL', isBusy(cause) ? inUse(folder, remedy) : unusable(file, cause), { cause });
  }
}

function inUse(folder: string, remedy: string): string {
  return (
    `Another process uses the data folder ${folder} and keeps sessions in memory; what one of the two ends would stay ` +
    `valid on the other. ${remedy}`
  );
}

function unusable(file: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `The lock ${file} cannot be taken: ${reason}. The folder must be one that this process may write in.`;
}

function isBusy(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
