import type { Socket } from 'node:net';
import type { ConnectionOrder } from './messages.ts';

/** A worker that can be sent connections. */
export interface Receiver {
  send(
    order: ConnectionOrder,
    connection: Socket,
    options: { readonly keepOpen: true },
    done: (error: Error | null) => void,
  ): unknown;
}

/** How many connections may wait while every worker has one that it has not taken yet. Further ones are closed. */
const MAX_WAITING = 4_096;

/**
 * Hands connections to the workers in turn. A worker gets the next one after it has reported that it took the last.
 * Until then the connection stays open in this process too. So a frozen worker delays one connection only, and a
 * connection that a worker had not taken when it died goes to another worker.
 */
export class Handover {
  /** Ready for a connection; the first has been ready for the longest. */
  readonly #idle = new Set<Receiver>();
  /** The connection that each was sent and has not taken yet. */
  readonly #handed = new Map<Receiver, Socket>();
  readonly #waiting = new Set<Socket>();

  /** This worker is ready for a connection. */
  add(receiver: Receiver): void {
    this.#idle.add(receiver);
    this.#handNext();
  }

  /** This worker has ended. If it was the last, the waiting connections are closed. */
  remove(receiver: Receiver): void {
    this.#idle.delete(receiver);
    const untaken = this.#handed.get(receiver);
    this.#handed.delete(receiver);
    if (untaken !== undefined && !untaken.destroyed) this.#waiting.add(untaken);
    if (this.#hasReceivers) this.#handNext();
    else for (const connection of this.#waiting) connection.destroy();
  }

  /** This worker has taken the connection that it was sent last. */
  taken(receiver: Receiver): void {
    const connection = this.#handed.get(receiver);
    if (connection === undefined) return;
    this.#handed.delete(receiver);
    // Closes this process's descriptor; the worker has its own.
    connection.destroy();
    this.add(receiver);
  }

  /** @param connection paused: nothing has been read from it. */
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
    // If sending fails the worker has ended; `remove` gives the connection to another one.
    receiver.send({ kind: 'connection' }, connection, { keepOpen: true }, () => undefined);
  }
}
