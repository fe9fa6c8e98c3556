import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { Failure } from '../../core/failure.ts';

const OWNER_ONLY = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;
/** Error codes of `open` with these flags: for a symbolic link, and for a socket or a folder. */
const LINK = 'ELOOP';
const NO_FILE: readonly unknown[] = ['ENXIO', 'EISDIR'];

export interface OpenFile {
  readonly descriptor: number;
  readonly stats: Stats;
}

/** True if the owner is neither this user nor root. Always false on Windows. */
export function belongsToOtherUser({ uid }: Stats): boolean {
  const self = process.getuid?.();
  return self !== undefined && uid !== self && uid !== ROOT;
}

/** True if the group or others may write. An ACL that allows it shows in the group bits. */
export function isOpenToOthers({ mode }: Stats): boolean {
  return process.getuid !== undefined && (mode & WRITABLE_BY_OTHERS) !== 0;
}

/** The mode in octal, as chmod takes it. */
export function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

/** Who else may change the file, and the command that fixes it. Undefined if only this user and root may. */
export function otherWriterOf(
  stats: Stats,
  path: string,
): { readonly problem: string; readonly remedy: string } | undefined {
  if (belongsToOtherUser(stats)) {
    const problem = `belongs to another user (uid ${stats.uid})`;
    return { problem, remedy: `Run: chown ${process.getuid?.()} ${path}` };
  }
  if (!isOpenToOthers(stats)) return undefined;
  return { problem: `can be changed by others (mode ${modeOf(stats)})`, remedy: `Run: chmod go-w ${path}` };
}

/**
 * Opens a regular file without blocking and without following a link. Returns undefined if it does not exist. Opening
 * a pipe that has no writer would block the thread, so that signals are not handled. Throws INTERNAL if it is not a
 * regular file, and otherwise the error of `open`.
 *
 * @param flags added to O_NOFOLLOW and O_NONBLOCK, which Windows does not have.
 */
export function openFile(file: string, flags: number = constants.O_RDONLY): OpenFile | undefined {
  const descriptor = opened(file, flags);
  if (descriptor === undefined) return undefined;
  const stats = fstatSync(descriptor);
  if (stats.isFile()) return { descriptor, stats };
  closeSync(descriptor);
  throw notAFile(file);
}

/**
 * Checks that a file does not exist, or is a regular file that only this user and root may change. Throws INTERNAL
 * otherwise. Check its folder first: a user who may write there can replace the file later.
 *
 * @param flags as in `openFile`. With O_CREAT the file exists afterwards.
 */
export function checkFile(file: string, flags?: number): void {
  const found = openFile(file, flags);
  if (found === undefined) return;
  closeSync(found.descriptor);
  const otherWriter = otherWriterOf(found.stats, file);
  if (otherWriter === undefined) return;
  throw new Failure('INTERNAL', `${file} ${otherWriter.problem}. ${otherWriter.remedy}.`);
}

function opened(file: string, flags: number): number | undefined {
  try {
    return openSync(file, flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0), OWNER_ONLY);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === LINK)
      throw new Failure('INTERNAL', `${file} is a symbolic link. Put the file itself there.`);
    throw NO_FILE.includes(code) ? notAFile(file) : cause;
  }
}

function notAFile(file: string): Failure {
  return new Failure('INTERNAL', `${file} is not a file. Remove what is there.`);
}
