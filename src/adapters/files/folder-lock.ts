import { constants } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Failure } from '../../core/failure.ts';
import { isSqliteBusy } from '../sqlite-error.ts';
import { checkFile } from './owned-file.ts';

const LOCK_FILE = 'in-memory.lock';

/**
 * Ensures that only one process uses this folder with sessions in memory. Of two, each would accept sessions that the
 * other has ended. It is a kernel lock on an empty SQLite file, so it is released even if the process is killed.
 *
 * Returns a function that releases the lock. Throws INTERNAL if another process holds it or it cannot be created.
 *
 * @param remedy shown if another process holds the lock: what the operator can do.
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
    throw new Failure('INTERNAL', isSqliteBusy(cause) ? inUse(folder, remedy) : unusable(file, cause), {
      cause,
    });
  }
}

function inUse(folder: string, remedy: string): string {
  return (
    `Another process uses the data folder ${folder} and keeps sessions in memory. Sessions that one process ends ` +
    `would stay valid in the other. ${remedy}`
  );
}

function unusable(file: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `The lock ${file} cannot be taken: ${reason}. This process must be able to write to the folder.`;
}
