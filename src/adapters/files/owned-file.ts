import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { Failure } from '../../core/failure.ts';

const OWNER_ONLY = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;
/** What opening answers for a link; and for a socket or a folder. */
const LINK = 'ELOOP';
const NO_FILE: readonly unknown[] = ['ENXIO', 'EISDIR'];

export interface OpenFile {
  readonly descriptor: number;
  readonly stats: Stats;
}

/** Whether it belongs to somebody who is neither this user nor root. Windows has no such owners. */
export function isOfAnother({ uid }: Stats): boolean {
  const self = process.getuid?.();
  return self !== undefined && uid !== self && uid !== ROOT;
}

/** Whether its mode lets others change it. An access list that does shows in the bits of the group. */
export function isOpenToOthers({ mode }: Stats): boolean {
  return process.getuid !== undefined && (mode & WRITABLE_BY_OTHERS) !== 0;
}

/** As chmod takes it. */
export function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

/** Who else may change it, and the command that ends it; undefined: nobody but this user and root. */
export function strangerTo(
  stats: Stats,
  path: string,
): { readonly problem: string; readonly remedy: string } | undefined {
  if (isOfAnother(stats)) {
    const problem = `belongs to another user (uid ${stats.uid})`;
    return { problem, remedy: `Run: chown ${process.getuid?.()} ${path}` };
  }
  if (!isOpenToOthers(stats)) return undefined;
  return { problem: `can be changed by others (mode ${modeOf(stats)})`, remedy: `Run: chmod go-w ${path}` };
}

/**
 * Opens a regular file without waiting and without following a link; undefined: there is none. A pipe without a writer
 * would be waited for in a thread that then hears no signal. Throws INTERNAL for what is no file; else what `open` does.
 *
 * @param flags beside O_NOFOLLOW and O_NONBLOCK, which Windows does not have.
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
 * Throws INTERNAL unless it is a regular file that nobody but this user and root may change, or does not exist. Its
 * folder is to be checked before: whoever may write there can replace the file afterwards.
 *
 * @param flags as those of `openFile`; with O_CREAT it exists afterwards.
 */
export function checkFile(file: string, flags?: number): void {
  const found = openFile(file, flags);
  if (found === undefined) return;
  closeSync(found.descriptor);
  const stranger = strangerTo(found.stats, file);
  if (stranger === undefined) return;
  throw new Failure('INTERNAL', `${file} ${stranger.problem}. ${stranger.remedy}.`);
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
