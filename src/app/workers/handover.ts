import type { Socket } from 'node:net';
import type { ConnectionOrder } from './messages.ts';

/** A worker that can receive connections. */
export interface Receiver {
  send(
    order: ConnectionOrder,
    connection: Socket,
    options: { readonly keepOpen: true },
    done: (error: Error | null) => void,
  ): unknown;
}

/** How many connections may wait for an idle worker. Further ones are closed. */
const MAX_WAITING = 4_096;

/**
 * Hands connections to the workers in turn. A worker gets its next connection after it reports that it took the last.
 * Until then this process keeps the connection open too. So a frozen worker delays only one connection. If a worker
 * dies before it takes a connection, another worker gets it.
 */
export class Handover {
  /** Workers ready for a connection, the longest-waiting first. */
  readonly #idle = new Set<Receiver>();
  /** The connection that each worker was sent but has not taken yet. */
  readonly #handed = new Map<Receiver, Socket>();
  readonly #waiting = new Set<Socket>();

  /** Registers a worker that is ready for a connection. */
  add(receiver: Receiver): void {
    this.#idle.add(receiver);
    this.#handNext();
  }

  /** Removes a worker that has ended. If it was the last, closes the waiting connections. */
  remove(receiver: Receiver): void {
    this.#idle.delete(receiver);
    const pending = this.#handed.get(receiver);
    this.#handed.delete(receiver);
    if (pending !== undefined && !pending.destroyed) this.#waiting.add(pending);
    if (this.#hasReceivers) this.#handNext();
    else for (const connection of this.#waiting) connection.destroy();
  }

  /** Records that a worker has taken its last connection. */
  taken(receiver: Receiver): void {
    const connection = this.#handed.get(receiver);
    if (connection === undefined) return;
    this.#handed.delete(receiver);
    // Closes only this process's descriptor. The worker has its own.
    connection.destroy();
    this.add(receiver);
  }

  /** @param connection must be paused, with nothing read from it. */
  hand(connection: Socket): void {
    connection.on('error', () => undefined);
    if (!this.#hasReceivers || this.#waiting.size >= MAX_WAITING) {
      connection.destroy();
      return;
    }
    this.#waiting.add(connection);
    connection.once('close', () => this.#waiting.delete(connection));
    this.#handNext();
  }

  get #hasReceivers(): boolean {
    return this.#idle.size + this.#handed.size > 0;
  }

  #handNext(): void {
    const [receiver] = this.#idle;
    const [connection] = this.#waiting;
    if (receiver === undefined || connection === undefined) return;
    this.#waiting.delete(connection);
    this.#idle.delete(receiver);
    this.#handed.set(receiver, connection);
    // If sending fails, the worker has ended and `remove` gives the connection to another one.
    receiver.send({ kind: 'connection' }, connection, { keepOpen: true }, () => undefined);
  }
}
