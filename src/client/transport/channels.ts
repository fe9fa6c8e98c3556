import { type ChannelCredentials, status } from '@grpc/grpc-js';
import type { Clock } from '../../validator/clock.ts';
import { Connection, Rank } from './connection.ts';
import { connectedTo } from './connectivity.ts';
import { LatchkeyError, type Target } from './errors.ts';

/** The connections to one or more addresses of the service, used in turn. */
export class Channels {
  readonly #connections: Connection[];
  readonly #open: (index: number) => Connection;
  readonly #inProgress = new Set<Promise<unknown>>();
  readonly #closing = new Set<Promise<void>>();
  #turn = 0;
  #isStarted = false;
  #connecting: Promise<Connection> | undefined;
  #isRefusing = false;

  /** @param targets at least one. */
  constructor(targets: readonly Target[], credentials: ChannelCredentials, clock: Clock) {
    this.#open = (index) =>
      new Connection({
        target: targets[index] as Target,
        credentials,
        clock,
        followsHealth: targets.length > 1,
        onUnresponsive: (connection) => this.#replace(connection),
      });
    this.#connections = targets.map((_target, index) => this.#open(index));
  }

  get size(): number {
    return this.#connections.length;
  }

  /**
   * Picks the next connection of the lowest rank. If none of several is connected, it waits for the first one. If none
   * can be connected, it returns any, so that the error of the call says why.
   *
   * @param deadline milliseconds since 1970
   */
  pick(deadline: number): Connection | Promise<Connection> {
    const best = this.#best();
    if (this.size === 1 || isUsable(best.rank)) return best;
    this.#connecting ??= this.connected(deadline)
      // Picks again: the connection that was best before may have been replaced.
      .catch(() => this.#best())
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  /** The best connected one; waits if there is none. Fails if none can be connected, or at the deadline. */
  async connected(deadline: number): Promise<Connection> {
    for (;;) {
      const best = this.#best();
      const { rank } = best;
      if (isUsable(rank)) return best;
      if (rank === Rank.UNKNOWN) await best.healthKnown();
      else await this.#anyConnected(deadline);
    }
  }

  /** Registers a call in progress; `idle` and `close` wait for it. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#inProgress.add(call);
    const done = () => this.#inProgress.delete(call);
    call.then(done, done);
    return call;
  }

  /** Refuses new calls. Calls in progress continue. */
  refuse(): void {
    this.#isRefusing = true;
  }

  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /** Resolves when no call is in progress. Every call has a deadline. */
  async idle(): Promise<void> {
    // A call in progress may start another one, for example a sign-in.
    while (this.#inProgress.size > 0) await Promise.allSettled(this.#inProgress);
  }

  /** Waits for the calls in progress, then closes the connections. */
  async close(): Promise<void> {
    this.#isRefusing = true;
    await this.idle();
    for (const connection of this.#connections) this.#closing.add(connection.close());
    await Promise.all(this.#closing);
  }

  /** The next connection of the lowest rank, in round-robin order. */
  #best(): Connection {
    this.#start();
    for (const connection of this.#connections) connection.checkProgress();
    let best = this.#connections[this.#turn] as Connection;
    let rank = best.rank;
    let at = this.#turn;
    for (let step = 1; step < this.size && rank !== Rank.SERVING; step += 1) {
      const index = (this.#turn + step) % this.size;
      const candidate = this.#connections[index] as Connection;
      if (candidate.rank >= rank) continue;
      best = candidate;
      rank = candidate.rank;
      at = index;
    }
    this.#turn = (at + 1) % this.size;
    return best;
  }

  async #anyConnected(deadline: number): Promise<void> {
    try {
      await Promise.any(this.#connections.map(({ client }) => connectedTo(client, deadline)));
    } catch (error) {
      throw new LatchkeyError(status.UNAVAILABLE, 'No connection to the service.', { isUnsent: true }, error);
    }
  }

  /** Starts the health watches at the first call, not before. */
  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const connection of this.#connections) connection.watchHealth();
  }

  #replace(connection: Connection): void {
    const index = this.#connections.indexOf(connection);
    if (index === -1) return;
    const successor = this.#open(index);
    this.#connections[index] = successor;
    successor.watchHealth();
    const closed = connection.close();
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }
}

export function closedError(): LatchkeyError {
  return new LatchkeyError(status.CANCELLED, 'The client is closed.', { isUnsent: true });
}

function isUsable(rank: Rank): boolean {
  return rank !== Rank.UNKNOWN && rank !== Rank.NOT_CONNECTED;
}
