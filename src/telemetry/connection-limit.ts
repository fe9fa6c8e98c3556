import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** An older connection is held open by its client; milliseconds. A request takes far less. */
const HELD_MS = 1_000;

/**
 * Limits the open connections of a server without refusing new ones. At the limit, a new connection replaces the oldest
 * one, if that has been open for more than a second. Otherwise it replaces the one that has waited longest for a
 * request, or else the oldest. So a client that holds or opens many connections cannot block a health probe.
 *
 * @param monotonic reads a monotonic clock; milliseconds.
 */
export function limitConnections(
  server: Server,
  maxConnections: number,
  monotonic: () => number = () => performance.now(),
): void {
  /** When each connection was opened, oldest first. */
  const open = new Map<Socket, number>();
  /** Connections without a request, longest-waiting first. */
  const waiting = new Set<Socket>();

  server.on('connection', (socket) => {
    if (open.size >= maxConnections) {
      const isHeld = (one: Socket) => monotonic() - (open.get(one) ?? 0) > HELD_MS;
      const oldest = firstOf(open.keys());
      const replaced = oldest !== undefined && isHeld(oldest) ? oldest : (firstOf(waiting) ?? oldest);
      replaced?.destroy();
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

/** The first socket that is not closing. */
function firstOf(sockets: Iterable<Socket>): Socket | undefined {
  for (const socket of sockets) if (!socket.destroyed) return socket;
  return undefined;
}
