import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** The path of a `unix:` address; undefined: it is another kind of address. */
export function unixSocketPath(address: string): string | undefined {
  return /^unix:(?:\/\/(?=\/))?(.+)$/.exec(address)?.[1];
}

/**
 * Removes the socket file that a server which is gone left behind, for it would be in the way of `bind`. What is
 * not a socket, or is one that somebody answers on, is left alone, and this fails.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there already and is not a socket.`);
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
