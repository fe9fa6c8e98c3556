import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import type { Clock } from '../../validator/clock.ts';
import { stateOf } from './connectivity.ts';
import type { Target } from './errors.ts';
import { HealthWatch, respondsWithin } from './health-watch.ts';

const OPTIONS = {
  // Uses every address that a name resolves to, not only the first.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // By default grpc-js waits up to two minutes before it reconnects.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // With a shared pool, a new channel would get the same unresponsive connection again.
  'grpc.use_local_subchannel_pool': 1,
};

/** How long an address ranks behind others after a failed call, in milliseconds. */
const UNHEALTHY_MS = 5_000;
/**
 * How long connecting may take before the connection is replaced, in milliseconds. grpc-js has no limit for a
 * connection that is accepted and then stays silent.
 */
const MAX_CONNECTING_MS = 5_000;
/** How long a call waits on a connection without any answer before a health check, in milliseconds. */
const CHECK_AFTER_MS = 1_000;
/** How long the health check may take before the connection is replaced, in milliseconds. */
const CHECK_TIMEOUT_MS = 1_000;
/** How often waiting calls are checked, in milliseconds. */
const PROGRESS_INTERVAL_MS = 250;

/** The order in which addresses are used, the lowest first. */
export const Rank = {
  SERVING: 0,
  /** Connected. The service has not reported its health yet. */
  UNKNOWN: 1,
  NOT_SERVING: 2,
  /** A call failed within `UNHEALTHY_MS`, or a health check is in progress. */
  UNHEALTHY: 3,
  NOT_CONNECTED: 4,
} as const;
export type Rank = (typeof Rank)[keyof typeof Rank];

export interface ConnectionOptions {
  readonly target: Target;
  readonly credentials: ChannelCredentials;
  readonly clock: Clock;
  /** Whether to follow the service's health. Useful only with several addresses. */
  readonly followsHealth: boolean;
  /** Called if the service does not respond or cannot be connected in time. Must replace this connection. */
  readonly onUnresponsive: (connection: Connection) => void;
}

/** Identifies a call in progress. Called if the service does not respond on its connection. */
type OnUnresponsive = () => void;

/** One connection to one address, with its rank and the check that the service still responds. */
export class Connection {
  readonly client: Client;
  readonly target: Target;
  readonly #options: ConnectionOptions;
  readonly #health: HealthWatch | undefined;
  /** Start of each call, by the monotonic clock. The first is the oldest. */
  readonly #inProgress = new Map<OnUnresponsive, number>();
  #unhealthyUntil = Number.NEGATIVE_INFINITY;
  #connectingSince: number | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isChecking = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    const { target, credentials, followsHealth } = options;
    this.#options = options;
    this.target = target;
    this.client = new Client(target.address, credentials, OPTIONS);
    if (followsHealth) {
      this.#health = new HealthWatch(this.client, () => {
        this.#unhealthyUntil = Number.NEGATIVE_INFINITY;
      });
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get rank(): Rank {
    if (stateOf(this.client) !== connectivityState.READY) return Rank.NOT_CONNECTED;
    if (this.#isChecking || this.#options.clock.monotonic() < this.#unhealthyUntil) return Rank.UNHEALTHY;
    if (this.#health === undefined || this.#health.isServing === true) return Rank.SERVING;
    return this.#health.isServing === undefined ? Rank.UNKNOWN : Rank.NOT_SERVING;
  }

  /** Starts to follow the service's health if `followsHealth` is set. */
  watchHealth(): void {
    this.#health?.start();
  }

  /** Resolves when the service's health is known, or after half a second. */
  async healthKnown(): Promise<void> {
    await this.#health?.known();
  }

  /** Call this after a failed call. Other addresses rank first for `UNHEALTHY_MS`, and the health is checked now. */
  markUnhealthy(): void {
    if (!this.#isConnected) return;
    this.#unhealthyUntil = this.#options.clock.monotonic() + UNHEALTHY_MS;
    void this.#check();
  }

  /**
   * Registers the start of a call.
   *
   * @param onUnresponsive called if the service does not respond on this connection.
   * @returns a function to call when the call ends; `answered`: whether the service sent an answer.
   */
  begin(onUnresponsive: OnUnresponsive): (answered: boolean) => void {
    const { clock } = this.#options;
    this.#inProgress.set(onUnresponsive, clock.monotonic());
    this.#timer ??= setInterval(() => this.checkProgress(), PROGRESS_INTERVAL_MS).unref();
    return (answered) => {
      this.#inProgress.delete(onUnresponsive);
      if (answered) this.#answeredAt = clock.monotonic();
    };
  }

  /** Replaces a connection that takes too long to connect, and checks one on which calls wait too long. */
  checkProgress(): void {
    const now = this.#options.clock.monotonic();
    if (this.client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING) {
      this.#connectingSince ??= now;
      if (now - this.#connectingSince >= MAX_CONNECTING_MS) this.#replace();
      return;
    }
    this.#connectingSince = undefined;
    const [oldest] = this.#inProgress.values();
    if (oldest === undefined) {
      // Stops here, not when the last call ends, so that consecutive calls share a timer.
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (now - Math.max(oldest, this.#answeredAt) >= CHECK_AFTER_MS) {
      void this.#check();
    }
  }

  /** Calls in progress continue. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.client.close();
    await this.#health?.close();
  }

  async #check(): Promise<void> {
    if (this.#isChecking || !this.#isConnected) return;
    const { clock } = this.#options;
    const begunAt = clock.monotonic();
    this.#isChecking = true;
    const isAnswered = await respondsWithin(this.client, CHECK_TIMEOUT_MS);
    this.#isChecking = false;
    const now = clock.monotonic();
    // If this process was paused, the answer may have arrived but not been read yet.
    const wasPaused = now - begunAt > 2 * CHECK_TIMEOUT_MS;
    if (isAnswered || wasPaused) this.#answeredAt = now;
    if (this.#answeredAt < begunAt && this.#isConnected) this.#replace();
  }

  get #isConnected(): boolean {
    return !this.#isClosed && stateOf(this.client) === connectivityState.READY;
  }

  #replace(): void {
    if (this.#isClosed) return;
    const waiting = [...this.#inProgress.keys()];
    this.#options.onUnresponsive(this);
    for (const onUnresponsive of waiting) onUnresponsive();
  }
}
