import { type ChannelCredentials, Client, connectivityState, status } from '@grpc/grpc-js';
import type { Clock } from '../validator/clock.ts';
import { LatchkeyError } from './errors.ts';

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

/** So long an address that did not answer is the last to be asked; milliseconds. */
const SHUN_MS = 5_000;
/**
 * A connection that is accepted and then says nothing is left after so long, and made anew; milliseconds. The library
 * waits for it without a limit.
 */
const MAX_CONNECTING_MS = 5_000;

/** The connections to one or more addresses of the service, used in turn. */
export class Channels {
  readonly #clients: Client[];
  readonly #open: (index: number) => Client;
  readonly #clock: Clock;
  /** Since when those that are connecting are, by the steady clock. */
  readonly #connectingSince = new Map<Client, number>();
  readonly #shunned = new Map<Client, number>();
  readonly #underWay = new Set<Promise<unknown>>();
  #turn = 0;
  #connecting: Promise<Client> | undefined;
  #isRefusing = false;

  /** @param addresses one at least. */
  constructor(addresses: readonly string[], credentials: ChannelCredentials, clock: Clock) {
    this.#open = (index) => new Client(addresses[index] ?? '', credentials, OPTIONS);
    this.#clients = addresses.map((_address, index) => this.#open(index));
    this.#clock = clock;
  }

  get size(): number {
    return this.#clients.length;
  }

  /**
   * The next in turn of those that are connected. Where none of several is: the first that gets connected; if none
   * can be, any, so that the call itself says what is wrong.
   *
   * @param deadline milliseconds since 1970
   */
  pick(deadline: number): Client | Promise<Client> {
    const inTurn = this.#inTurn();
    const [first] = inTurn;
    if (first === undefined) throw new RangeError('There is no address.');
    if (inTurn.length === 1) return first;
    // Asking for the state makes those that are idle connect, also while another one does the work.
    const ready = inTurn.filter((client) => stateOf(client) === connectivityState.READY);
    if (ready[0] !== undefined) return ready[0];
    this.#connecting ??= this.connected(deadline)
      // Anew: the one that was first may have been replaced meanwhile.
      .catch(() => this.#inTurn()[0] ?? first)
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  /** One that is connected, waiting for it if need be. Fails once none of them can be, or at the deadline. */
  async connected(deadline: number): Promise<Client> {
    const inTurn = this.#inTurn();
    const ready = inTurn.find((client) => stateOf(client) === connectivityState.READY);
    if (ready !== undefined) return ready;
    try {
      return await Promise.any(inTurn.map((client) => connectedTo(client, deadline)));
    } catch (error) {
      throw new LatchkeyError(status.UNAVAILABLE, 'No connection to the service.', { isUnsent: true }, error);
    }
  }

  /** This one did not answer: others first, for a while. */
  shun(client: Client): void {
    this.#shunned.set(client, this.#clock.monotonic() + SHUN_MS);
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
    for (const client of this.#clients) client.close();
  }

  #replaceHanging(): void {
    const now = this.#clock.monotonic();
    for (const [index, client] of this.#clients.entries()) {
      if (client.getChannel().getConnectivityState(false) !== connectivityState.CONNECTING) {
        this.#connectingSince.delete(client);
        continue;
      }
      const since = this.#connectingSince.get(client) ?? now;
      this.#connectingSince.set(client, since);
      if (now - since < MAX_CONNECTING_MS) continue;
      this.#connectingSince.delete(client);
      this.#shunned.delete(client);
      this.#clients[index] = this.#open(index);
      client.close();
    }
  }

  /** All of them, beginning with the next; the shunned last. */
  #inTurn(): readonly Client[] {
    this.#replaceHanging();
    const turn = this.#turn;
    this.#turn = (turn + 1) % this.#clients.length;
    const rotated = [...this.#clients.slice(turn), ...this.#clients.slice(0, turn)];
    if (this.#shunned.size === 0) return rotated;
    const now = this.#clock.monotonic();
    for (const [client, until] of this.#shunned) if (until <= now) this.#shunned.delete(client);
    return [
      ...rotated.filter((client) => !this.#shunned.has(client)),
      ...rotated.filter((client) => this.#shunned.has(client)),
    ];
  }
}

export function closedError(): LatchkeyError {
  return new LatchkeyError(status.CANCELLED, 'The client is closed.');
}

function stateOf(client: Client): connectivityState {
  const channel = client.getChannel();
  const state = channel.getConnectivityState(false);
  if (state === connectivityState.IDLE) channel.getConnectivityState(true);
  return state;
}

function connectedTo(client: Client, deadline: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const state = stateOf(client);
      if (state === connectivityState.READY) return resolve(client);
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
        return reject(new Error(connectivityState[state]));
      }
      client.getChannel().watchConnectivityState(state, deadline, (error) => {
        if (error === undefined) look();
        else reject(error);
      });
    };
    look();
  });
}
