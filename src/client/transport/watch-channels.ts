import type { Channels } from './channels.ts';

/**
 * How many watches share connections. The service allows 200 streams on a connection, and more would wait. For the same
 * reason, watches and calls never share connections.
 */
const WATCHES_PER_CHANNELS = 100;

/** The use of shared connections by one watch. */
export interface Lease {
  readonly channels: Channels;
  release(): void;
}

/** Connections for any number of watches. They are closed when no watch uses them. */
export class WatchChannels {
  readonly #open: () => Channels;
  readonly #inUse = new Map<Channels, number>();
  readonly #closing = new Set<Promise<void>>();

  constructor(open: () => Channels) {
    this.#open = open;
  }

  lease(): Lease {
    const [found] = [...this.#inUse].find(([, watches]) => watches < WATCHES_PER_CHANNELS) ?? [];
    const channels = found ?? this.#open();
    this.#inUse.set(channels, (this.#inUse.get(channels) ?? 0) + 1);
    return { channels, release: () => this.#release(channels) };
  }

  /** Resolves when all connections that were released are closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #release(channels: Channels): void {
    const watches = (this.#inUse.get(channels) ?? 0) - 1;
    if (watches > 0) {
      this.#inUse.set(channels, watches);
      return;
    }
    this.#inUse.delete(channels);
    const closed = channels.close();
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }
}
