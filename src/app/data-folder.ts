import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockFolder } from '../adapters/files/folder-lock.ts';
import { readOrMakeMasterKey } from '../adapters/files/master-key-file.ts';
import type { Config } from '../config.ts';
import { MasterKeys } from '../core/keys/master-key.ts';
import type { Site } from './site.ts';
import { naming } from './start-fault.ts';

export const FOLDER_REMEDY = 'Name a folder that this process may write in.';

/** Neither of them means a folder that could be used. */
const NO_FOLDER = new Set<unknown>(['EEXIST', 'ENOTDIR']);

/**
 * Makes the data folder, if anything is to be put in it. With sessions in memory it is locked too: to be opened
 * before what is kept in it, so that the lock is given back after all of that is closed.
 */
export async function openDataFolder({ config, closers }: Site): Promise<void> {
  const { databaseUrl, masterKeys, redis } = config;
  const inMemory = redis.kind === 'none';
  if (!inMemory && databaseUrl !== undefined && masterKeys !== undefined) return;
  const folder = resolve(config.dataDir);
  await naming(
    'dataDir',
    () => mkdirSync(folder, { recursive: true, mode: 0o700 }),
    (reason, error) =>
      NO_FOLDER.has((error as NodeJS.ErrnoException).code)
        ? `${folder} is not a folder. ${FOLDER_REMEDY}`
        : `${folder} cannot be made: ${reason}. ${FOLDER_REMEDY}`,
  );
  if (!inMemory) return;
  const unlock = await naming(
    'dataDir',
    () => lockFolder(folder),
    (reason) => `${reason}.`,
  );
  closers.add(unlock);
}

/** Those of the environment, or the one in the data folder. */
export async function openMasterKeys({ masterKeys, dataDir }: Config): Promise<MasterKeys> {
  if (masterKeys !== undefined) return new MasterKeys(masterKeys);
  const made = await naming(
    'dataDir',
    () => readOrMakeMasterKey(join(dataDir, 'master-key')),
    (reason) => `${reason}.`,
  );
  return new MasterKeys([made]);
}
