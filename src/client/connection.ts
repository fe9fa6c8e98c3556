import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { stateOf } from './connectivity.ts';
import { HealthWatch } from './health-watch.ts';

const OPTIONS = {
  // Every address that a name resolves to is used, not only the first.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // The library would wait up to two minutes for a service that has been back for long.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // Shared with other channels, a connection that hangs would be handed out again.
  'grpc.use_local_subchannel_pool': 1,
};

/** So long an address comes last after a call to it failed; milliseconds. */
const UNHEALTHY_MS = 5_000;
/**
 * A connection that is accepted and then says nothing is given up after so long; milliseconds. The library waits
 * for it without a limit.
 */
const MAX_CONNECTING_MS = 5_000;

/** How well an address can serve. The lower, the sooner it is asked. */
export const Standing = {
  SERVING: 0,
  /** Connected a moment ago; what the service says of itself is not known yet. */
  UNKNOWN: 1,
  NOT_SERVING: 2,
  /** A call to it failed lately. */
  UNHEALTHY: 3,
  NOT_CONNECTED: 4,
} as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

export interface ConnectionOptions {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly clock: Clock;
  /** There are other addresses to choose from: what the service says of itself is followed. */
  readonly isOneOfSeveral: boolean;
  /** Told once, when nobody answers on this connection: it is to be replaced. */
  readonly onSilent: (connection: Connection) => void;
}

/** One connection to one address: how well it can serve. */
export class Connection {
  readonly client: Client;
  readonly #options: ConnectionOptions;
  readonly #health: HealthWatch | undefined;
  #unhealthyUntil = Number.NEGATIVE_INFINITY;
  #connectingSince: number | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    const { address, credentials, isOneOfSeveral } = options;
    this.#options = options;
    this.client = new Client(address, credentials, OPTIONS);
    if (isOneOfSeveral) {
      this.#health = new HealthWatch(this.client, () => {
        this.#unhealthyUntil = Number.NEGATIVE_INFINITY;
      });
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get standing(): Standing {
    if (stateOf(this.client) !== connectivityState.READY) return Standing.NOT_CONNECTED;
    if (this.#options.clock.monotonic() < this.#unhealthyUntil) return Standing.UNHEALTHY;
    if (this.#health === undefined || this.#health.isServing === true) return Standing.SERVING;
    return this.#health.isServing === undefined ? Standing.UNKNOWN : Standing.NOT_SERVING;
  }

  /** From now on what the service says of itself is followed, if there are others to choose from. */
  watchHealth(): void {
    this.#health?.start();
  }

  /** Resolves once it is known what the service says of itself, or after half a second. */
  async healthKnown(): Promise<void> {
    await this.#health?.known();
  }

  /** A call to it failed, so that others are asked first for a while. */
  markUnhealthy(): void {
    if (!this.#isConnected) return;
    this.#unhealthyUntil = this.#options.clock.monotonic() + UNHEALTHY_MS;
  }

  /** Finds out whether connecting hangs. */
  look(): void {
    const now = this.#options.clock.monotonic();
    if (this.client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING) {
      this.#connectingSince ??= now;
      if (now - this.#connectingSince >= MAX_CONNECTING_MS) this.#giveUp();
      return;
    }
    this.#connectingSince = undefined;
  }

  /** The calls under way go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.client.close();
    await this.#health?.close();
  }

  get #isConnected(): boolean {
    return !this.#isClosed && stateOf(this.client) === connectivityState.READY;
  }

  #giveUp(): void {
    if (this.#isClosed) return;
    this.#options.onSilent(this);
  }
}
