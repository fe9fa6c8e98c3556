import { join, resolve } from 'node:path';
import { lockFolder } from '../adapters/files/folder-lock.ts';
import { readOrMakeMasterKey } from '../adapters/files/master-key-file.ts';
import { checkFile } from '../adapters/files/owned-file.ts';
import { checkFolder, makeFolder } from '../adapters/files/owned-folder.ts';
import type { Config } from '../config.ts';
import { Failure } from '../core/failure.ts';
import { MasterKeys } from '../core/keys/master-key.ts';
import type { Site } from './site.ts';
import { naming } from './start-fault.ts';

export const MASTER_KEY_FILE = 'master-key';
export const FOLDER_REMEDY = 'Name a folder that this process may write in.';

/** The SQLite database, and what SQLite keeps beside it. */
export const DATABASE_FILE = 'latchkey.db';
const DATABASE_FILES = ['', '-wal', '-shm', '-journal'].map((suffix) => DATABASE_FILE + suffix);

const LOCK_REMEDY = 'Set LATCHKEY_REDIS_URL for both, or another LATCHKEY_DATA_DIR for this one.';

/** Neither of them means a folder that could be used. */
const NO_FOLDER = new Set<unknown>(['EEXIST', 'ENOTDIR']);

/**
 * Makes the data folder, if anything is to be put in it, and refuses one that others may write: they could put in users
 * and keys of their own. With sessions in memory it is locked too: to be opened before what is kept in it, so that the
 * lock is given back after all of that is closed.
 */
export async function openDataFolder(site: Pick<Site, 'config' | 'closers'>): Promise<void> {
  const { config } = site;
  if (!usesDataFolder(config)) return;
  const folder = resolve(config.dataDir);
  await checked(() => checkFolder(folder));
  await naming(
    'LATCHKEY_DATA_DIR',
    () => makeFolder(folder),
    (reason, error) =>
      NO_FOLDER.has((error as NodeJS.ErrnoException).code)
        ? `${folder} is not a folder. ${FOLDER_REMEDY}`
        : `${folder} cannot be made: ${reason}. ${FOLDER_REMEDY}`,
  );
  await takeDataFolder(site, LOCK_REMEDY);
}

/**
 * Checks and locks the data folder as above, but does not make it.
 *
 * @param lockRemedy what to do where another process has the lock.
 */
export async function takeDataFolder(
  { config, closers }: Pick<Site, 'config' | 'closers'>,
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

/** Those of the environment, or the one in the data folder. Their ids are logged: other messages name keys by them. */
export async function openMasterKeys({
  config,
  logger,
}: Pick<Site, 'config' | 'logger'>): Promise<MasterKeys> {
  const keyOfDataFolder = () => checked(() => readOrMakeMasterKey(join(config.dataDir, MASTER_KEY_FILE)));
  const masterKeys = new MasterKeys(config.masterKeys ?? [await keyOfDataFolder()]);
  logger.info({ ids: masterKeys.all.map(({ id }) => id).join(', ') }, 'master keys, newest first');
  return masterKeys;
}

/** What a check refuses it says in whole sentences; the system says what failed only. */
function checked<Result>(step: () => Result): Promise<Result> {
  return naming('LATCHKEY_DATA_DIR', step, (reason, error) =>
    error instanceof Failure ? `${reason}.` : `${reason}. ${FOLDER_REMEDY}`,
  );
}
