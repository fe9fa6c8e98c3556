import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds how many connections a server has open, without refusing a new one: it takes the place of the connection
 * that has been without a request for longest. Where each has a request under way, the oldest connection gives way.
 * So whoever holds connections cannot keep out a probe, which sends its request at once.
 */
export function limitConnections(server: Server, maxConnections: number): void {
  const open = new Set<Socket>();
  /** Those without a request under way, the longest so first. */
  const waiting = new Set<Socket>();

  server.on('connection', (socket) => {
    if (open.size >= maxConnections) first(waiting, open)?.destroy();
    open.add(socket);
    waiting.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      waiting.delete(socket);
    });
  });
  server.on('request', ({ socket }, response) => {
    waiting.delete(socket);
    response.once('close', () => {
      if (open.has(socket)) waiting.add(socket);
    });
  });
}

/** The first of all that is not being closed already. */
function first(...sets: readonly ReadonlySet<Socket>[]): Socket | undefined {
  for (const set of sets) for (const socket of set) if (!socket.destroyed) return socket;
  return undefined;
}
