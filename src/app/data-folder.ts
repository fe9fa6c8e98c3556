import { join, resolve } from 'node:path';
import { lockFolder } from '../adapters/files/folder-lock.ts';
import { readOrMakeMasterKey } from '../adapters/files/master-key-file.ts';
import { checkFile } from '../adapters/files/owned-file.ts';
import { checkFolder, makeFolder } from '../adapters/files/owned-folder.ts';
import type { Config } from '../config.ts';
import { Failure } from '../core/failure.ts';
import { MasterKeys } from '../core/keys/master-key.ts';
import type { AppContext } from './app-context.ts';
import { startupStep } from './startup-error.ts';

export const MASTER_KEY_FILE = 'master-key';
export const FOLDER_REMEDY = 'Set it to a folder that this process can write to.';

/** The SQLite database. SQLite keeps further files next to it. */
export const DATABASE_FILE = 'latchkey.db';
const DATABASE_FILES = ['', '-wal', '-shm', '-journal'].map((suffix) => DATABASE_FILE + suffix);

const LOCK_REMEDY = 'Set LATCHKEY_REDIS_URL for both processes, or another LATCHKEY_DATA_DIR for this one.';

/** Codes that mean the path is not a folder. */
const NO_FOLDER = new Set<unknown>(['EEXIST', 'ENOTDIR']);

/**
 * Creates the data folder if it is needed. Refuses a folder that others can write to, because they could add users and
 * keys. If sessions are in memory, also locks it. Must be called before its files are opened, so that the lock is
 * released after they are closed.
 */
export async function openDataFolder(context: Pick<AppContext, 'config' | 'closers'>): Promise<void> {
  const { config } = context;
  if (!usesDataFolder(config)) return;
  const folder = resolve(config.dataDir);
  await checked(() => checkFolder(folder));
  await startupStep(
    'LATCHKEY_DATA_DIR',
    () => makeFolder(folder),
    (reason, error) =>
      NO_FOLDER.has((error as NodeJS.ErrnoException).code)
        ? `${folder} is not a folder. ${FOLDER_REMEDY}`
        : `${folder} cannot be created: ${reason}. ${FOLDER_REMEDY}`,
  );
  await takeDataFolder(context, LOCK_REMEDY);
}

/**
 * Checks and locks the data folder like `openDataFolder`, but does not create it.
 *
 * @param lockRemedy what to do if another process has the lock.
 */
export async function takeDataFolder(
  { config, closers }: Pick<AppContext, 'config' | 'closers'>,
  lockRemedy: string,
): Promise<void> {
  if (!usesDataFolder(config)) return;
  const folder = resolve(config.dataDir);
  await checked(() => checkFolder(folder));
  if (config.databaseUrl === undefined) {
    await checked(() => {
      for (const file of DATABASE_FILES) checkFile(join(folder, file));
    });
  }
  if (config.redis.kind === 'none') closers.add(await checked(() => lockFolder(folder, lockRemedy)));
}

function usesDataFolder({ databaseUrl, masterKeys, redis }: Config): boolean {
  return redis.kind === 'none' || databaseUrl === undefined || masterKeys === undefined;
}

/** The configured master keys, or the one in the data folder. Logs their ids, which other messages refer to. */
export async function openMasterKeys({
  config,
  logger,
}: Pick<AppContext, 'config' | 'logger'>): Promise<MasterKeys> {
  const keyOfDataFolder = () => checked(() => readOrMakeMasterKey(join(config.dataDir, MASTER_KEY_FILE)));
  const masterKeys = new MasterKeys(config.masterKeys ?? [await keyOfDataFolder()]);
  logger.info({ ids: masterKeys.all.map(({ id }) => id).join(', ') }, 'master keys, newest first');
  return masterKeys;
}

/** Appends a remedy to system errors. A `Failure` already contains one. */
function checked<Result>(step: () => Result): Promise<Result> {
  return startupStep('LATCHKEY_DATA_DIR', step, (reason, error) =>
    error instanceof Failure ? `${reason}.` : `${reason}. ${FOLDER_REMEDY}`,
  );
}
