import { type ChannelCredentials, status } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { Connection, Rank } from './connection.ts';
import { connectedTo } from './connectivity.ts';
import { LatchkeyError, type Target } from './errors.ts';

/** The connections to one or more addresses of the service, used in turn. */
export class Channels {
  readonly #connections: Connection[];
  readonly #open: (index: number) => Connection;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new Set<Promise<void>>();
  #turn = 0;
  #isStarted = false;
  #connecting: Promise<Connection> | undefined;
  #isRefusing = false;

  /** @param targets one at least. */
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
   * The next in turn of the connections with the lowest rank. If none of several is connected: the first that becomes
   * connected. If none can be connected: any, so that the call's error says why.
   *
   * @param deadline milliseconds since 1970
   */
  pick(deadline: number): Connection | Promise<Connection> {
    const best = this.#best();
    if (this.size === 1 || isUsable(best.rank)) return best;
    this.#connecting ??= this.connected(deadline)
      // Chosen again: the connection that was best before may have been replaced.
      .catch(() => this.#best())
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  /** The best connected one; waits for one if none is. Fails when none can be connected, or at the deadline. */
  async connected(deadline: number): Promise<Connection> {
    for (;;) {
      const best = this.#best();
      const { rank } = best;
      if (isUsable(rank)) return best;
      if (rank === Rank.UNKNOWN) await best.healthKnown();
      else await this.#anyConnected(deadline);
    }
  }

  /** The work of one call, which `close` waits for. */
  track<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    const done = () => this.#underWay.delete(call);
    call.then(done, done);
    return call;
  }

  /** From now on callers are to be refused; what is under way goes on. */
  refuse(): void {
    this.#isRefusing = true;
  }

  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /** Waits for the calls under way, then closes. */
  async close(): Promise<void> {
    this.#isRefusing = true;
    // What is under way may begin more, for example the next try.
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    for (const connection of this.#connections) this.#closing.add(connection.close());
    await Promise.all(this.#closing);
  }

  /** The next in turn of the connections with the lowest rank. */
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

  /** Nothing is connected before the first call. */
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
