import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { stateOf } from './connectivity.ts';
import type { Target } from './errors.ts';
import { HealthWatch, respondsWithin } from './health-watch.ts';

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

/** How long an address ranks behind others after a call to it failed; milliseconds. */
const UNHEALTHY_MS = 5_000;
/**
 * How long connecting may take before the connection is replaced; milliseconds. The library has no limit for a
 * connection that is accepted and then sends nothing.
 */
const MAX_CONNECTING_MS = 5_000;
/** A call has waited this long without any answer on its connection: the service's health is asked for; milliseconds. */
const CHECK_AFTER_MS = 1_000;
/** How long the health check may take before the connection is replaced; milliseconds. */
const CHECK_TIMEOUT_MS = 1_000;
/** How often waiting calls are checked; milliseconds. */
const PROGRESS_INTERVAL_MS = 250;

/** The order in which addresses are used, the lowest first. */
export const Rank = {
  SERVING: 0,
  /** Connected; the service has not reported its health yet. */
  UNKNOWN: 1,
  NOT_SERVING: 2,
  /** A call failed in the last seconds, or a health check is under way. */
  UNHEALTHY: 3,
  NOT_CONNECTED: 4,
} as const;
export type Rank = (typeof Rank)[keyof typeof Rank];

export interface ConnectionOptions {
  readonly target: Target;
  readonly credentials: ChannelCredentials;
  readonly clock: Clock;
  /** Whether to watch the service's health; of use only with other addresses to choose from. */
  readonly followsHealth: boolean;
  /** Called when the other end does not answer, or cannot be connected in time; must replace this connection. */
  readonly onUnresponsive: (connection: Connection) => void;
}

/** Identifies a call under way. Called if the other end of its connection does not answer. */
type OnUnresponsive = () => void;

/** One connection to one address, its rank, and the check that the other end still answers. */
export class Connection {
  readonly client: Client;
  readonly target: Target;
  readonly #options: ConnectionOptions;
  readonly #health: HealthWatch | undefined;
  /** When each call began, by the steady clock; the first is the oldest. */
  readonly #underWay = new Map<OnUnresponsive, number>();
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

  /** Starts to follow the service's health, if `followsHealth`. */
  watchHealth(): void {
    this.#health?.start();
  }

  /** Resolves when the service's health is known, or after half a second. */
  async healthKnown(): Promise<void> {
    await this.#health?.known();
  }

  /** After a failed call: others are used first for `UNHEALTHY_MS`, and the health is checked now. */
  markUnhealthy(): void {
    if (!this.#isConnected) return;
    this.#unhealthyUntil = this.#options.clock.monotonic() + UNHEALTHY_MS;
    void this.#check();
  }

  /**
   * Registers a call that begins.
   *
   * @param onUnresponsive called if the other end of this connection does not answer.
   * @returns a function to call at the end of the call; `answered`: the other end has sent an answer.
   */
  begin(onUnresponsive: OnUnresponsive): (answered: boolean) => void {
    const { clock } = this.#options;
    this.#underWay.set(onUnresponsive, clock.monotonic());
    this.#timer ??= setInterval(() => this.checkProgress(), PROGRESS_INTERVAL_MS).unref();
    return (answered) => {
      this.#underWay.delete(onUnresponsive);
      if (answered) this.#answeredAt = clock.monotonic();
    };
  }

  /** Replaces a connection that hangs while connecting, and checks one on which calls wait too long. */
  checkProgress(): void {
    const now = this.#options.clock.monotonic();
    if (this.client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING) {
      this.#connectingSince ??= now;
      if (now - this.#connectingSince >= MAX_CONNECTING_MS) this.#replace();
      return;
    }
    this.#connectingSince = undefined;
    const [oldest] = this.#underWay.values();
    if (oldest === undefined) {
      // Stopped here and not when the last call ends, so that calls made one after another share a timer.
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (now - Math.max(oldest, this.#answeredAt) >= CHECK_AFTER_MS) {
      void this.#check();
    }
  }

  /** The calls under way go on. */
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
    // If this process itself was paused, the answer may have arrived and not been read yet.
    const wasPaused = now - begunAt > 2 * CHECK_TIMEOUT_MS;
    if (isAnswered || wasPaused) this.#answeredAt = now;
    if (this.#answeredAt < begunAt && this.#isConnected) this.#replace();
  }

  get #isConnected(): boolean {
    return !this.#isClosed && stateOf(this.client) === connectivityState.READY;
  }

  #replace(): void {
    if (this.#isClosed) return;
    const waiting = [...this.#underWay.keys()];
    this.#options.onUnresponsive(this);
    for (const onUnresponsive of waiting) onUnresponsive();
  }
}
