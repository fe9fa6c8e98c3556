import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { stateOf } from './connectivity.ts';
import { answers, HealthWatch } from './health-watch.ts';

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
/** While a call waits and nothing was answered for so long, it is checked whether anybody answers; milliseconds. */
const CHECK_AFTER_MS = 1_000;
const CHECK_TIMEOUT_MS = 1_000;
/** How often the calls under way are looked at; milliseconds. */
const LOOK_INTERVAL_MS = 250;

/** How well an address can serve. The lower, the sooner it is asked. */
export const Standing = {
  SERVING: 0,
  /** Connected a moment ago; what the service says of itself is not known yet. */
  UNKNOWN: 1,
  NOT_SERVING: 2,
  /** A call to it failed lately, or it is being checked whether it answers. */
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

/** Stands for a call under way; called when nobody answers on its connection. */
type OnSilent = () => void;

/** One connection to one address: how well it can serve, and whether anybody answers. */
export class Connection {
  readonly client: Client;
  readonly #options: ConnectionOptions;
  readonly #health: HealthWatch | undefined;
  /** Since when each waits, by the steady clock; the first is the oldest. */
  readonly #underWay = new Map<OnSilent, number>();
  #unhealthyUntil = Number.NEGATIVE_INFINITY;
  #connectingSince: number | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isChecking = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

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
    if (this.#isChecking || this.#options.clock.monotonic() < this.#unhealthyUntil) return Standing.UNHEALTHY;
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

  /** A call to it failed, so that others are asked first for a while; and perhaps nobody answers here any more. */
  markUnhealthy(): void {
    if (!this.#isConnected) return;
    this.#unhealthyUntil = this.#options.clock.monotonic() + UNHEALTHY_MS;
    void this.#check();
  }

  /**
   * A call begins.
   *
   * @param onSilent called if it turns out that nobody answers on this connection.
   * @returns to be called when the call is over, with whether the other end has answered.
   */
  begin(onSilent: OnSilent): (answered: boolean) => void {
    const { clock } = this.#options;
    this.#underWay.set(onSilent, clock.monotonic());
    this.#timer ??= setInterval(() => this.look(), LOOK_INTERVAL_MS).unref();
    return (answered) => {
      this.#underWay.delete(onSilent);
      if (answered) this.#answeredAt = clock.monotonic();
    };
  }

  /** Finds out whether connecting hangs, and whether calls wait for somebody who does not answer. */
  look(): void {
    const now = this.#options.clock.monotonic();
    if (this.client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING) {
      this.#connectingSince ??= now;
      if (now - this.#connectingSince >= MAX_CONNECTING_MS) this.#giveUp();
      return;
    }
    this.#connectingSince = undefined;
    const [oldest] = this.#underWay.values();
    if (oldest === undefined) {
      // Here and not when the last call ends: calls that come one by one share a timer.
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
    const isAnswered = await answers(this.client, CHECK_TIMEOUT_MS);
    this.#isChecking = false;
    const now = clock.monotonic();
    // Where this process itself stood still, the answer may be there and only not be read yet.
    const stoodStill = now - begunAt > 2 * CHECK_TIMEOUT_MS;
    if (isAnswered || stoodStill) this.#answeredAt = now;
    if (this.#answeredAt < begunAt && this.#isConnected) this.#giveUp();
  }

  get #isConnected(): boolean {
    return !this.#isClosed && stateOf(this.client) === connectivityState.READY;
  }

  #giveUp(): void {
    if (this.#isClosed) return;
    const waiting = [...this.#underWay.keys()];
    this.#options.onSilent(this);
    for (const onSilent of waiting) onSilent();
  }
}
