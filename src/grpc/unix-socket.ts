import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** The path of a `unix:` address. Undefined for other addresses. */
export function unixSocketPath(address: string): string | undefined {
  return /^unix:(?:\/\/(?=\/))?(.+)$/.exec(address)?.[1];
}

/**
 * Removes a socket file that no process listens on, because it would make `bind` fail. Throws if the path is not a
 * socket or if a process listens on it.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} already exists and is not a socket.`);
  if (await isAnswered(path)) throw new Error(`Another process is listening on ${path}.`);
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}
