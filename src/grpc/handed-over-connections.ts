import type { Socket } from 'node:net';
import type { ConnectionInjector } from '@grpc/grpc-js';

/** Connections that the supervisor accepted and this process serves. */
export class HandedOverConnections {
  readonly #injector: Pick<ConnectionInjector, 'injectConnection' | 'drain'>;
  readonly #open = new Set<Socket>();
  #onEmpty: (() => void) | undefined;

  constructor(injector: Pick<ConnectionInjector, 'injectConnection' | 'drain'>) {
    this.#injector = injector;
  }

  /** Serves a connection. Closes it instead if `close` was called. */
  serve(connection: Socket): void {
    if (this.#onEmpty !== undefined) {
      connection.destroy();
      return;
    }
    this.#open.add(connection);
    connection.once('close', () => {
      this.#open.delete(connection);
      if (this.#open.size === 0) this.#onEmpty?.();
    });
    this.#injector.injectConnection(connection);
  }

  /** Closes each connection when its calls end, at the latest after the timeout. Resolves when all are closed. */
  async close(timeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open.size === 0) resolve();
    });
    this.#injector.drain(timeoutMs);
    // The library does not track a connection until its first bytes arrive.
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy();
    }, timeoutMs);
    await closed;
    clearTimeout(timer);
  }
}
