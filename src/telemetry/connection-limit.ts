import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A request and its answer take far less. A connection that is older is being held; milliseconds. */
const HELD_MS = 1_000;

/**
 * Bounds how many connections a server has open, without refusing a new one. A new one takes the place of the oldest
 * that is being held; where none is, of the one that has been without a request for longest, then of the oldest. So
 * whoever holds connections, or opens many, cannot keep out a probe that sends its request at once.
 *
 * @param monotonic milliseconds of a clock that does not jump.
 */
export function limitConnections(
  server: Server,
  maxConnections: number,
  monotonic: () => number = () => performance.now(),
): void {
  /** When each was opened, the oldest first. */
  const open = new Map<Socket, number>();
  /** Those without a request under way, the longest so first. */
  const waiting = new Set<Socket>();

  server.on('connection', (socket) => {
    if (open.size >= maxConnections) {
      const isHeld = (one: Socket) => monotonic() - (open.get(one) ?? 0) > HELD_MS;
      const oldest = firstOf(open.keys());
      const victim = oldest !== undefined && isHeld(oldest) ? oldest : (firstOf(waiting) ?? oldest);
      victim?.destroy();
    }
    open.set(socket, monotonic());
    waiting.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      waiting.delete(socket);
    });
  });
  server.on('request', ({ socket }) => {
    waiting.delete(socket);
  });
}

/** The first that is not being closed already. */
function firstOf(sockets: Iterable<Socket>): Socket | undefined {
  for (const socket of sockets) if (!socket.destroyed) return socket;
  return undefined;
}
