import type { Socket } from 'node:net';
import type { ConnectionInjector } from '@grpc/grpc-js';

/** Connections that another process has accepted and this one serves. */
export class HandedOverConnections {
  readonly #injector: Pick<ConnectionInjector, 'injectConnection' | 'drain'>;
  readonly #open = new Set<Socket>();
  #onEmpty: (() => void) | undefined;

  constructor(injector: Pick<ConnectionInjector, 'injectConnection' | 'drain'>) {
    this.#injector = injector;
  }

  /** Once they are being closed, the connection is closed instead. */
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

  /** Each is closed when its calls have ended, those that are left at the timeout. Resolves when all of them are. */
  async close(timeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open.size === 0) resolve();
    });
    this.#injector.drain(timeoutMs);
    // The library knows of none that has not said anything yet.
    const timer = setTimeout(() => {
      for (const connection of this.#open) connection.destroy();
    }, timeoutMs);
    await closed;
    clearTimeout(timer);
  }
}
