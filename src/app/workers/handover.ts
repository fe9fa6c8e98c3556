import type { Socket } from 'node:net';
import type { ConnectionOrder } from './messages.ts';

/** A worker that serves, as far as handing it connections goes. */
export interface Taker {
  send(
    order: ConnectionOrder,
    connection: Socket,
    options: { readonly keepOpen: true },
    done: (error: Error | null) => void,
  ): unknown;
}

/** So many connections wait at most while every worker is busy taking one; further ones are closed. */
const MOST_WAITING = 4_096;

/**
 * Hands connections to the workers in turn. Each gets the next one when it has said that it took the last, and until
 * then the connection stays open here too. So a worker that stands still holds up one connection and no more, and
 * what a worker had not taken when it died goes to another one.
 */
export class Handover {
  /** In turn: the first is the one that has waited longest for a connection. */
  readonly #idle = new Set<Taker>();
  /** What each has been handed and has not taken yet. */
  readonly #handed = new Map<Taker, Socket>();
  readonly #waiting = new Set<Socket>();

  /** From now on this worker gets connections. */
  add(taker: Taker): void {
    this.#idle.add(taker);
    this.#handNext();
  }

  /** This worker has ended. Where it was the last, nobody is left for those who wait. */
  remove(taker: Taker): void {
    this.#idle.delete(taker);
    const untaken = this.#handed.get(taker);
    this.#handed.delete(taker);
    if (untaken !== undefined && !untaken.destroyed) this.#waiting.add(untaken);
    if (this.#hasTakers) this.#handNext();
    else for (const connection of this.#waiting) connection.destroy();
  }

  /** This worker has taken the connection that it was handed last. */
  taken(taker: Taker): void {
    const connection = this.#handed.get(taker);
    if (connection === undefined) return;
    this.#handed.delete(taker);
    // This process's share of it: the worker's stays open.
    connection.destroy();
    this.add(taker);
  }

  /** @param connection paused: nothing has been read from it. */
  hand(connection: Socket): void {
    connection.on('error', () => undefined);
    if (!this.#hasTakers || this.#waiting.size >= MOST_WAITING) {
      connection.destroy();
      return;
    }
    this.#waiting.add(connection);
    connection.once('close', () => this.#waiting.delete(connection));
    this.#handNext();
  }

  get #hasTakers(): boolean {
    return this.#idle.size + this.#handed.size > 0;
  }

  #handNext(): void {
    const [taker] = this.#idle;
    const [connection] = this.#waiting;
    if (taker === undefined || connection === undefined) return;
    this.#waiting.delete(connection);
    this.#idle.delete(taker);
    this.#handed.set(taker, connection);
    // A worker that cannot be told has just ended, and is removed.
    taker.send({ kind: 'connection' }, connection, { keepOpen: true }, () => undefined);
  }
}
