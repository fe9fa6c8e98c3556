import { lstatSync, mkdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../core/failure.ts';
import { belongsToOtherUser, isOpenToOthers, modeOf, otherWriterOf } from './owned-file.ts';

const OWNER_ONLY = 0o700;
/** In a folder with this bit, such as /tmp, users cannot replace files of other users. */
const STICKY = 0o1000;
/** The same limit as Linux. */
const MAX_LINKS = 40;

/**
 * Creates the folder and its parents for this user only. Existing folders are not changed. Node's `recursive` option
 * loops forever in /proc, where mkdir reports an existing parent as missing. Throws the error of `mkdir`.
 */
export function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: OWNER_ONLY });
  } catch (error) {
    // Another process may have created it in the meantime.
    if (isFolder(folder)) return;
    if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) throw error;
    const problem = `${folder} is a symbolic link to ${targetOf(folder)}, which is not a folder`;
    throw new Failure('INTERNAL', problem);
  }
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Checks that a folder does not exist, or is one that only this user and root may change. Throws INTERNAL otherwise.
 * Follows a symbolic link in the path only if no other user can have created it. Does not check parent folders: a user
 * who may change one can move this folder away, but cannot replace it with one that passes this check.
 */
export function checkFolder(folder: string): void {
  checkLinks(folder);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory())
    throw new Failure('INTERNAL', `${folder} is not a folder. Set it to another one.`);
  const otherWriter = otherWriterOf(stats, folder);
  if (otherWriter === undefined) return;
  const { problem, remedy } = otherWriter;
  throw new Failure(
    'INTERNAL',
    `${folder} ${problem}, who could replace the database and the master key. ${remedy}, or name another folder.`,
  );
}

/** Resolves the path as the system does, as far as it exists. */
function checkLinks(folder: string): void {
  const { root } = path.parse(folder);
  let reached = root;
  let followed = 0;
  const names = folder.slice(root.length).split(path.sep);
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = path.join(reached, name);
    const stats = lstatSync(next, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!stats.isSymbolicLink()) {
      if (!stats.isDirectory()) return;
      reached = next;
      continue;
    }
    followed += 1;
    if (followed > MAX_LINKS) throw new Failure('INTERNAL', `${folder} is behind too many symbolic links.`);
    checkLink(next, stats, statSync(reached));
    const target = readlinkSync(next);
    if (path.isAbsolute(target)) reached = root;
    names.unshift(...target.split(path.sep));
  }
}

function checkLink(link: string, stats: Stats, parent: Stats): void {
  const where = linkOfOthers(stats, parent);
  if (where === undefined) return;
  const problem = `${link} is a symbolic link ${where}, who could change its target`;
  throw new Failure('INTERNAL', `${problem}. Name the folder that it leads to: ${targetOf(link)}.`);
}

function linkOfOthers(stats: Stats, parent: Stats): string | undefined {
  if (belongsToOtherUser(stats)) return `of another user (uid ${stats.uid})`;
  if (belongsToOtherUser(parent)) return `in a folder of another user (uid ${parent.uid})`;
  if (!isOpenToOthers(parent) || (parent.mode & STICKY) !== 0) return undefined;
  return `in a folder that others may write in (mode ${modeOf(parent)})`;
}

function targetOf(link: string): string {
  return path.resolve(path.dirname(link), readlinkSync(link));
}
